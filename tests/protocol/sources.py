"""Two files that use each other's names."""

HOUSE = "playbooks/house.play"
HOUSE_TEXT = '''use ticket

/// What a visitor may be.
enum Badge { visitor, staff }

type Visitor {
  id: Text
  badge: Badge
}

event door_held {
  source: push
  field visitor: Visitor = Visitor(id: raw.id, badge: raw.badge)
}

steps record(user: User, why: Text) -> Ticket {
  let case = ticket.create(title: "{user.name}: {why}", priority: low)
  return case
}
'''

USER = "playbooks/user.play"
USER_TEXT = '''use microsoft.(intune, entra)
use notify, ticket, house

playbook first "First" {
  tenants: ["contoso"]
  when house.door_held as held
  if held.visitor.badge == staff
  then {
    notify.teams(team.soc, "{held.visitor.id} again")
  }
}

playbook second "Second" {
  when intune.noncompliant as drift
  if drift.owner is present
  then {
    let case = house.record(drift.owner, why: "seen")
    ticket.note(case, "Ticket {case.number}")
    entra.block_sign_in(drift.owner)
    notify.teams(team.soc, "done")
  }
  escalate after 4h { ticket.note(case, "late") }
}

define odd(b: house.Badge) -> Bool = b == visitor
'''
