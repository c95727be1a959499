//! A word of the language in, what it means out: for people who meet it for the first time.

/// What a keyword means where it stands; `None` for words that explain themselves.
pub fn meaning(word: &str, line: &str) -> Option<&'static str> {
    let first = line.split_whitespace().next().unwrap_or("");
    Some(match (word, first) {
        ("playbook", _) => {
            "`playbook ID \"Title\" { … }`\n\nWhat happens when something goes wrong. The id is stable: the API and the audit trail know the playbook by it."
        }
        ("use", _) => {
            "`use microsoft.(identity, entra)`\n\nBrings modules in: their names are then written before a dot, as in `entra.block_sign_in(…)`."
        }
        ("when", "resolved") | ("resolved", _) => {
            "`resolved when CONDITION`\n\nThe goal. Looked at when each stage starts and whenever the run wakes; when it holds, the run ends as resolved. `, checking every 15m` looks in between, too."
        }
        ("when", "when") => {
            "`when EVENT as NAME`\n\nWhat starts a run. Several `when` lines are alternatives. `, for each user in LIST` starts one run per element."
        }
        ("if", _) => {
            "`if CONDITION { … } else { … }`\n\nIn a playbook's head, without braces, it decides whether a run starts, from what the event carries. In a stage it decides between steps and may ask live systems."
        }
        ("ignore" | "repeats", _) => {
            "`ignore repeats of KEY for 1h`\n\nNo second run for the same key for that long from the start of the first. Without `for`: while its run is open."
        }
        ("then", _) => {
            "`then { … }`\n\nA stage: its steps run in order. Stages follow one another."
        }
        ("wait" | "until", _) => {
            "`wait 4h` waits that long; a day is 24 hours.\n\n`wait until CONDITION, at most 24h, checking every 15m` waits for something to become true, with the arms `met` and `timed_out`.\n\n`wait until 09:00` waits until the clock in the tenant's zone next shows it, `wait until request.last_day` for a time that is a value; a past one is not waited for."
        }
        ("escalate" | "after", _) => {
            "`escalate after 4h { … }` or `escalate after 4h unless CONDITION { … }`\n\nSteps for when the matter is still open that long **after the start of the run**, whatever was done before. With `unless` they are skipped when the condition holds at that moment, for instance when the ticket is acknowledged; the run goes on with what comes next."
        }
        ("unless", _) => "Where this holds when the time has come, the level is skipped.",
        ("approve", _) => {
            "`approve \"QUESTION\" about ENTITIES, by TEAM, needs 2, within 4h, valid 24h`\n\nAsks people and waits. Only approval goes on; otherwise the run ends as rejected, unless arms say what happens: `approved`, `rejected`, `unanswered`."
        }
        ("about", _) => {
            "The people or devices that the approval covers. What they do not name, it does not allow."
        }
        ("by", _) => "Who may answer: a team such as `team.soc`, or a person.",
        ("needs", _) => "How many different people have to agree. 1 when left out.",
        ("within", _) => "How long there is to answer.",
        ("valid", _) => {
            "For how long the approval still counts when a later step comes. 24 hours when left out."
        }
        ("default", _) => {
            "What silence means: `reject` when left out. An approval that silence grants never opens a disruptive or destructive step."
        }
        ("attempt", _) => {
            "`attempt ACTION`\n\nA failure is recorded and the run goes on. `attempt each { … }` attempts every step of the block, whatever became of the others."
        }
        ("let", _) => {
            "`let NAME = …`\n\nGives a result, an answer or a value a name. It never changes."
        }
        ("match", _) => {
            "`match VALUE { a, b { … } else { … } }`\n\nDecides by a value. Every case has to be thought of; the check lists those that are missing."
        }
        ("for" | "each", _) => {
            "`for each x in LIST, refuse more than 50 { … }`\n\nThe steps for every element. A list that is longer fails before the first element is touched; 100 when left out. `, 5 at a time` works on several at once."
        }
        ("refuse", _) => "A longer list fails the step before the first element is touched.",
        ("parallel", _) => {
            "`in parallel { … }`\n\nEach step of the block runs at the same time; it ends when all have ended. `then { … }` groups several steps into one."
        }
        ("without" | "approval" | "because", _) => {
            "`without approval because \"…\" { … }`\n\nAccepts, on the record, that nobody is asked before the disruptive and destructive steps inside."
        }
        ("end" | "run", "end") => "`end run \"why\"`\n\nThe run ends here, as stopped.",
        ("return", _) => "Leaves these steps at once, with their result.",
        ("failure", _) => "`on failure { … }`\n\nRuns once when the run fails.",
        ("manual", _) => {
            "`when manual(user: User, reason: Text)`\n\nPeople start a run and fill in this form."
        }
        ("webhook", _) => {
            "`when webhook \"offboarding\" as request: Offboarding`\n\nAnother system starts a run with a signed `POST /hooks/offboarding`. The body has to fit the type; entities are delivered as their ids. Secret and tenant stand in counterplay.toml."
        }
        ("schedule", _) => {
            "`when schedule \"0 7 * * MON\" in \"Europe/London\"`\n\nStarts a run by a cron expression: minute, hour, day of the month, month, day of the week. Without `in`, the tenant's time zone counts."
        }
        ("every", _) => {
            "`every 15m`, `every day at 07:00`, `every monday at 09:00`: starts a run by the clock, in the tenant's zone."
        }
        ("matches", _) => {
            "`reason matches r\"^VPN-[0-9]+$\"`: a regular expression is found in a text; `^` and `$` pin it to the beginning and the end. Linear in the text."
        }
        ("present" | "absent" | "is", _) => {
            "`x is present` asks whether there is a value. Where the answer is known to be yes, `x` can be used."
        }
        ("now", _) => "The time at which this is looked at.",
        ("ago", _) => "`90d ago`: the time that lies that far back.",
        ("type", _) => {
            "`type NAME { field: Type }`\n\nA record. One with an `id` is an entity: guards, approvals and the audit trail go by entities."
        }
        ("enum", _) => {
            "`enum NAME { a, b = \"On the wire\", unknown }`\n\nOne of several words. With `ordered` the lowest comes first and members can be compared."
        }
        ("action", _) => {
            "`action NAME(user: User) { impact: … request: … }`\n\nSomething that changes the outside. Its impact says how much harm it can do."
        }
        ("query", _) => {
            "`query NAME(user: User) -> Bool { request: … returns: … }`\n\nA question to a live system. It changes nothing."
        }
        ("event", _) => {
            "`event NAME { source: … field … }`\n\nSomething that happens outside, and what it carries."
        }
        ("connection", _) => {
            "`connection NAME { base: … auth: … }`\n\nA service that actions and queries call, and the harm that each of its calls can do."
        }
        ("steps", _) => {
            "`steps NAME(user: User) -> Ticket? { … }`\n\nSteps under a name, put in place of each call."
        }
        ("define", _) => {
            "`define NAME(u: User) -> Bool = …`\n\nA name for an expression that asks and changes nothing."
        }
        ("param", _) => {
            "`param NAME: Duration = 24h`\n\nA value that each tenant may set in `counterplay.toml`, under `[tenants.NAME.parameters]`."
        }
        ("guard", _) => {
            "`guard \"what it is for\" { protect … limit … }`\n\nWhat no playbook may do: entities that nothing above `notify` touches, and how often an action may be performed."
        }
        ("protect", _) => {
            "`protect u: User where CONDITION`\n\nNo action above `notify` is performed on such an entity, in any playbook."
        }
        ("limit", _) => {
            "`limit module.action to 20 per 1h per tenant, beyond that approve by team.leads within 1h`\n\nHow often an action may be performed by all playbooks together. Beyond that people are asked; without `beyond` it is blocked."
        }
        ("test", _) => {
            "`test \"what it shows\" of PLAYBOOK { given … expect … }`\n\nRuns the compiled playbook on a virtual clock: `counterplay test`."
        }
        ("given", _) => {
            "`given EVENT from \"file\"`, `given QUERY returns VALUE`, `given approval from \"a@b.c\" after 10m` …\n\nWhat happens in a test, and what services and people say."
        }
        ("expect", _) => {
            "`expect ACTION at 4h`, `expect never ACTION`, `expect outcome completed`\n\nWhat has to be so for the test to pass. Times count from the start of the run."
        }
        ("ask", _) => {
            "`ask \"Was this you?\" to user, within 1h { \"Yes\" { … } \"No\" { … } unanswered { … } }`\n\nA question to a person. Its answer chooses what follows and approves nothing."
        }
        ("undo", _) => {
            "`undo module.action(…)`\n\nTakes back what this run has done, with the action that its declaration names under `undo:`. Skipped where it was not done."
        }
        ("emit", _) => {
            "`emit event(field: …)`\n\nRaises an event of the project (`source: emit`) that other playbooks listen to."
        }
        ("fetched", _) => {
            "Asked once from a live system when an event's other conditions hold, and kept."
        }
        _ => return None,
    })
}
