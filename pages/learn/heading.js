// Writes the heading of a step, and gives it the focus when the visitor has gone there: not when the page is opened.
export default function ({ data, parentElement }) {
  const root = parentElement.querySelector(".heading");
  const part = (name) => root.querySelector(`[data-part=${name}]`);
  part("where").textContent = data.where;
  part("title").textContent = data.title;
  part("marks").replaceChildren(...Array.from({ length: data.steps }, (_, place) => {
    const mark = document.createElement("i");
    mark.className = place < data.step ? "seen" : "";
    return mark;
  }));
  const isNews = root.place === undefined ? data.news : root.place !== data.place;
  root.place = data.place;
  if (isNews) part("title").focus();
}
