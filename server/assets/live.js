// Keeps a page true: parts marked `data-live="TOPIC …"` are fetched anew when the event stream says that something
// about a topic changed, and times in words are said anew. Without this script every page works, and stands still.
(() => {
  "use strict";

  // Changes within this time are one fetch, in milliseconds.
  const TOGETHER = 250;
  // The longest pause before another try to connect.
  const PAUSE_MAX = 30000;

  const parts = () => [...document.querySelectorAll("[data-live][id]")];
  const topicsOf = (part) => part.dataset.live.split(/\s+/).filter(Boolean);

  // ---- The state of the connection, in words.
  const say = (state, words) => {
    const sign = document.getElementById("live-state");
    if (!sign || sign.dataset.liveState === state) return;
    sign.dataset.liveState = state;
    const text = sign.querySelector("[data-live-words]");
    if (text) text.textContent = words;
  };

  // ---- Taking parts over from a fresh copy of this page.
  const changed = new Set();
  let timer = 0;
  let fetching = false;

  const busy = (part) => {
    // Nobody's typing is thrown away.
    const active = document.activeElement;
    return active && part.contains(active) && active.matches("input, textarea, select");
  };

  const take = (old, fresh) => {
    if (old.isEqualNode(fresh)) return;
    const open = [...old.querySelectorAll("details")].map((d) => d.open);
    const frames = [...old.querySelectorAll("[tabindex], pre")].map((f) => [f.scrollLeft, f.scrollTop]);
    const focused = [...old.querySelectorAll("a, button, summary, [tabindex]")].indexOf(document.activeElement);
    [...fresh.querySelectorAll("details")].forEach((d, i) => { if (open[i]) d.open = true; });
    old.replaceWith(fresh);
    [...fresh.querySelectorAll("[tabindex], pre")].forEach((f, i) => {
      if (frames[i]) [f.scrollLeft, f.scrollTop] = frames[i];
    });
    if (focused >= 0) fresh.querySelectorAll("a, button, summary, [tabindex]")[focused]?.focus({ preventScroll: true });
    window.htmx?.process(fresh);
  };

  const refresh = async () => {
    timer = 0;
    if (fetching) { timer = setTimeout(refresh, TOGETHER); return; }
    const wanted = new Set(changed);
    const stale = parts().filter((p) => topicsOf(p).some((t) => wanted.has(t) || wanted.has("*")));
    if (stale.length === 0) { changed.clear(); return; }
    fetching = true;
    try {
      const answer = await fetch(location.pathname + location.search, { headers: { "X-Live": "1" }, credentials: "same-origin" });
      if (answer.redirected && new URL(answer.url).pathname === "/login") { location.reload(); return; }
      if (!answer.ok) return;
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      let waits = false;
      for (const part of stale) {
        const fresh = page.getElementById(part.id);
        if (busy(part)) waits = true;
        else if (fresh) take(part, document.importNode(fresh, true));
      }
      if (!waits) for (const topic of wanted) changed.delete(topic);
      tell();
      document.dispatchEvent(new CustomEvent("live:refreshed"));
    } catch { /* The next change tries again; the stream says when the service is gone. */ }
    finally { fetching = false; }
  };

  const note = (topic) => {
    changed.add(topic);
    if (!timer) timer = setTimeout(refresh, TOGETHER);
  };

  // ---- The stream.
  let stream = null;
  let pause = 1000;

  const connect = () => {
    const topics = [...new Set(parts().flatMap(topicsOf))].sort();
    if (topics.length === 0 || typeof EventSource === "undefined") return;
    stream = new EventSource("/live?" + topics.map((t) => "topic=" + encodeURIComponent(t)).join("&"));
    stream.addEventListener("open", () => {
      pause = 1000;
      say("on", "Live");
      // What happened since the page was made, or while nobody listened, is not told.
      note("*");
    });
    stream.addEventListener("changed", (event) => event.data.split("\n").forEach(note));
    stream.addEventListener("error", () => {
      stream.close();
      say("lost", "Reconnecting…");
      setTimeout(again, pause * (0.75 + Math.random() / 2));
      pause = Math.min(pause * 2, PAUSE_MAX);
    });
  };
  // Whoever is no longer logged in would try for ever: the page then leads to the login.
  const again = async () => {
    try {
      const answer = await fetch("/api/automation/session", { credentials: "same-origin" });
      if (answer.status === 401) { location.reload(); return; }
    } catch { /* The service is not there; the stream finds that out as well. */ }
    connect();
  };
  addEventListener("pagehide", () => stream?.close());
  addEventListener("pageshow", (event) => { if (event.persisted) connect(); });

  // ---- Times in words, as the service says them.
  const span = (ms) => {
    const s = Math.floor(ms / 1000), m = Math.floor(s / 60), h = Math.floor(s / 3600), d = Math.floor(s / 86400);
    if (s < 10) return "";
    if (s < 60) return `${s} s`;
    if (s < 3600) return `${m} min`;
    if (s < 86400) return m % 60 ? `${h} h ${m % 60} min` : `${h} h`;
    if (s < 604800) return h % 24 ? `${d} ${d === 1 ? "day" : "days"} ${h % 24} h` : `${d} ${d === 1 ? "day" : "days"}`;
    return `${d} days`;
  };
  const tell = () => {
    const now = Date.now();
    for (const time of document.querySelectorAll("time[data-relative]")) {
      const at = Date.parse(time.dateTime);
      if (Number.isNaN(at)) continue;
      const away = at - now;
      // What is to come is rounded, as the service does it.
      const words = span(Math.abs(away >= 604800000 ? away + 43200000 : away >= 60000 ? away + 30000 : away));
      const said = !words ? "just now" : at < now ? `${words} ago` : `in ${words}`;
      if (time.textContent !== said) time.textContent = said;
    }
  };

  // ---- Small helps.
  document.addEventListener("click", async (event) => {
    const copy = event.target.closest("[data-copy]");
    if (copy) {
      const field = document.getElementById(copy.dataset.copy);
      field.select();
      try { await navigator.clipboard.writeText(field.value); } catch { document.execCommand("copy"); }
      copy.textContent = "Copied";
    }
    // A comment is needed by one of the buttons only.
    const button = event.target.closest("button[name=decision]");
    const comment = button?.form?.querySelector("[data-required-by]");
    if (comment) comment.required = button.value === comment.dataset.requiredBy;
  });

  // A large drawing begins where the run stands.
  const look = () => {
    for (const frame of document.querySelectorAll(".machine-frame")) {
      const here = frame.querySelector(".is-current") ?? frame.querySelector(".n-start");
      if (!here || frame.dataset.looked) continue;
      frame.dataset.looked = "yes";
      const [node, around] = [here.getBoundingClientRect(), frame.getBoundingClientRect()];
      frame.scrollLeft += node.left - around.left - (around.width - node.width) / 2;
      frame.scrollTop += node.top - around.top - (around.height - node.height) / 2;
    }
  };

  tell();
  look();
  setInterval(tell, 15000);
  connect();
})();
