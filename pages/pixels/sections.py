"""What the page draws of one study: the pixels, the accuracies, and where they are from."""

import streamlit as st

from mipp_core.reports.pixels import PixelStudy
from pages.pixels import curves_view, maps_view, said


def shipped(study: PixelStudy) -> None:
    """Draw a study that ships."""
    figures(study, opened_at(study))
    provenance(study, "`python -m benchmarks.shipped_pixels STORE --data-dir DIR`")


@st.fragment
def figures(study: PixelStudy, place: int) -> None:
    """Draw the pixels at every level, and what networks can do with them; only the words are drawn anew with the level.

    Args:
        study: with accuracies.
        place: of the level that the views open with.
    """
    now = opened_at(study)
    maps_view.draw(study, place)
    st.caption(f"What to see: {said.of_places(study, now)}")
    with st.expander("What the other rankings are"):
        st.markdown(_RANKINGS)
    st.header("With only these pixels", anchor=False)
    curves_view.draw(study, place)
    st.caption(f"What to see: {said.of_accuracies(study, now)}")


_RANKINGS = """
All are of the dense network's output for the right class, in magnitude, averaged over test images.

- **Variance** of the pixel over the images: it asks nothing of the network.
- **Saliency**: the output's derivative by the pixel ([arXiv 1312.6034](https://arxiv.org/abs/1312.6034)).
- **Integrated gradients**: the pixel times its mean derivative on the way from the black image to the image; those of
  all pixels sum to what the output gains on that way ([arXiv 1703.01365](https://arxiv.org/abs/1703.01365)).
- **Feature ablation**: what the output loses when this pixel alone is black.

The last three are computed by Captum. Of equal pixels the first in the image comes first.
"""


def opened_at(study: PixelStudy) -> int:
    """Return the place of the level in the address; of the last with a pixel in ten left where it names none."""
    asked = st.query_params.get("level", "")
    numbers = [str(level) for level in study["levels"]]
    return numbers.index(asked) if asked in numbers else said.last_place(study)


def provenance(study: PixelStudy, words: str) -> None:
    """Say how the study was made."""
    versions = ", ".join(f"{name} {number}" for name, number in study["versions"].items())
    judged = study["blanked"]["images"]
    st.caption(
        f"Variance and attributions are averaged over {study['ranked']:,} test images, and accuracies measured on "
        f"{judged:,} others. Random pixels are drawn {len(study['blanked']['rows']['random'])} times (mean ± standard "
        f"deviation). The dense network, seed {study['seed']}, reaches {study['dense']:.2%}. {study['device']}; "
        f"{versions}; {study['seconds']:.1f} s for the rankings. {words}"
    )
    st.code(study["command"], language="bash", wrap_lines=True)
