// Makes Back in the browser return to the controls as they were.  Streamlit follows the address when one goes back, but
// a control replaces the address instead of adding to the history, and leaving a page adds its bare address as well.
const AT_ONCE = 1000; // milliseconds: what changes sooner after the last change belongs to the same step

export default function () {
  if (window.stepsBack) return; // one script for as long as the window lives; pages are drawn again and again
  window.stepsBack = true;
  const replace = history.replaceState.bind(history), push = history.pushState.bind(history);
  let last = -Infinity, bared = -Infinity;
  window.addEventListener("popstate", () => { last = performance.now(); });

  history.replaceState = (state, title, address) => {
    const { path, search, now } = target(address);
    const changes = path === location.pathname && search !== location.search;
    // Without a hand at the controls it is the page that corrects its address; and going back must not add steps.
    const adds = changes && now - last > AT_ONCE && (navigator.userActivation?.isActive ?? true);
    if (changes) last = now;
    (adds ? push : replace)(state, title, address);
  };

  history.pushState = (state, title, address) => {
    const { path, search, now } = target(address);
    const leaves = path !== location.pathname, follows = leaves && now - bared < AT_ONCE;
    if (!leaves && location.search && !search) bared = now;
    (follows ? replace : push)(state, title, address);
  };
}

function target(address) {
  const there = new URL(address ?? location.href, location.href);
  return { path: there.pathname, search: there.search, now: performance.now() };
}
