// A visitor who goes on where the next page has been made ahead, and from that one a while after it is shown.
// A browser that has just started may make none: the visitor looks again.
const goOn = () => document.getElementById("on").click();
const look = () => setTimeout(localStorage.getItem("is_made_ahead") ? goOn : look, 300);
if (document.prerendering) {
  wayfare.push(["track", "Made Ahead"]);
  document.addEventListener("prerenderingchange", () => setTimeout(goOn, 1000), { once: true });
  addEventListener("load", () => localStorage.setItem("is_made_ahead", "yes"));
} else {
  look();
  setTimeout(() => location.reload(), 5000);
}
