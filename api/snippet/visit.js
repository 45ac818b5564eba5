// What of a page is told behind it: one file for both, as each file costs the page half a millisecond.
function visit(backs, vitals) {
  return (house, isLoad, ...page) => {
    if (house.wanted("backs")) backs(house, ...page);
    if (isLoad && house.wanted("vitals")) vitals(house);
  };
}
