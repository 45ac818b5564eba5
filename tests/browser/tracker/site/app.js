// A small router: links become views without a load, and their titles come a moment later.
const main = document.querySelector("main");

function form() {
  const made = document.createElement("form");
  const who = document.createElement("input");
  [made.id, who.name] = ["letter", "who"];
  made.append(who);
  return made;
}

function render() {
  main.textContent = location.pathname + location.search + location.hash;
  if (location.pathname === "/app/contact") main.append(form());
  main.toggleAttribute("data-wf-missing", location.pathname === "/app/nowhere");
  setTimeout(() => (document.title = `App ${location.pathname.split("/").pop()}`), 10);
}

for (const link of document.querySelectorAll("nav a"))
  link.addEventListener("click", (clicked) => {
    clicked.preventDefault();
    history.pushState({}, "", link.href);
    render();
  });
document.querySelector("#sort").addEventListener("click", () => {
  history.replaceState({}, "", location.pathname + "?sort=name");
  render();
});
window.addEventListener("popstate", render);
history.replaceState({}, "", location.href); // as routers do when they begin
render();
