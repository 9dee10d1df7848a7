// The page works without this. It takes on the theme of Airflow around it, and follows a delivery while it runs.
"use strict";

function followTheme() {
  let outer;
  try {
    outer = window.parent !== window && window.parent.document.documentElement;
  } catch { /* not in Airflow's own page */ }
  if (!outer) return;
  const take = () => {
    const dark = outer.classList.contains("dark"), light = outer.classList.contains("light");
    if (dark || light) document.documentElement.dataset.theme = dark ? "dark" : "light";
  };
  take();
  new MutationObserver(take).observe(outer, { attributes: true, attributeFilter: ["class"] });
}

// A link to a page of Airflow's own would open it inside its own frame.
function leaveFrame(event) {
  const link = event.target.closest("a[data-out]");
  if (!link || window.parent === window || event.ctrlKey || event.metaKey || event.shiftKey) return;
  try {
    const outer = window.parent.document.createElement("a");
    outer.href = link.href;
    outer.click();
    event.preventDefault();
  } catch { /* not in Airflow's own page */ }
}

async function refresh() {
  const main = document.querySelector("main[data-live]");
  if (!main) return;
  // Not below somebody's hands.
  const held = document.activeElement !== main && main.contains(document.activeElement);
  const busy = document.hidden || held || !document.getSelection().isCollapsed;
  if (!busy) {
    try {
      const answer = await fetch(location.href, { credentials: "same-origin" });
      if (answer.ok) {
        const next = new DOMParser().parseFromString(await answer.text(), "text/html");
        main.replaceWith(next.querySelector("main"));
        document.querySelector("footer").replaceWith(next.querySelector("footer"));
      }
    } catch { /* the server is away: the next look finds it */ }
  }
  setTimeout(refresh, 4000);
}

followTheme();
document.addEventListener("click", leaveFrame);
setTimeout(refresh, 4000);
