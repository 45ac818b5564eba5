// The collector sets the id's cookie too: some browsers keep one that a script has set for a week.
function cookie({ name, id, seconds, domain, beside, read, write, granted }) {
  // Once a day is enough for what a browser keeps for a year, or a week.
  const served = seconds && id + new Date().toDateString();
  if (read("served") === served) return;
  const order = JSON.stringify({ name: name + "_id", value: id, seconds, domain });
  fetch(beside("id"), { method: "POST", body: order, credentials: "include", keepalive: true })
    .then((answer) => answer.ok && granted() && write("served", served), () => {});
}
