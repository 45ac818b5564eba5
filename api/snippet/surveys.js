// When a survey is due: on a page, after an event, after a time, and not too often. The form itself comes by `load`.
//
// `heard`: the events until now; more are added as they come.
function surveys(house, heard) {
  const { read, write, granted } = house;
  const DAY_MS = 864e5;
  let defined, isAsked, isShown, timers = [];
  const cap = () => house.parse(read("surveys")); // name of a survey -> when it was shown last; "": any
  const isDue = (survey) => {
    const since = (named, days) => Date.now() - (cap()[named] || 0) > days * DAY_MS;
    return granted() && !isShown && since("", 1) && since(survey.name, survey.every_days);
  };
  const show = (survey) => {
    if (!isDue(survey)) return;
    isShown = true;
    write("surveys", JSON.stringify({ ...cap(), "": Date.now(), [survey.name]: Date.now() }));
    house.load("survey", survey, house.track, house.onLeave, () => (isShown = false));
  };
  const look = (event) =>
    defined?.forEach((survey) => {
      if (survey.event === event && RegExp(survey.pages).test(house.here().path) && isDue(survey))
        timers.push(setTimeout(show, survey.after_ms, survey));
    });
  const arrived = () => {
    timers.forEach(clearTimeout);
    timers = [];
    look("");
    if (isAsked || !granted()) return;
    isAsked = true;
    fetch(house.beside("json?key=" + house.key))
      .then((answer) => answer.json())
      .then((told) => {
        defined = told.surveys;
        ["", ...heard].forEach(look);
      }, () => {});
  };
  house.onEvent.push(look);
  house.onPage.push(arrived);
  arrived();
}
