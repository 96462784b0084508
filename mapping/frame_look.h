// How a data set wants one of its frames to be shown: what DCMTK's image library takes as the
// attributes of that frame alone, and the linear steps that are exact only outside of it. Pure.
#pragma once

#include "mapping/render.h"

class DcmDataset;

namespace gantry::mapping {

/// PS3.3 C.11.1, C.7.6.16.2.9: what stored values mean. The library rounds to integers what it
/// rescales, which leaves nothing of a dose in grays: windows are brought to stored values instead.
struct Rescale {
    double slope = 1;
    double intercept = 0;
};

struct FrameLook {
    Rescale rescale;
    bool modality_lut = false;       // goes before the rescale
    std::optional<VoiWindow> window; // the first of its own that can be used
    bool voi_lut = false;
};

/// Reads it for frame `number`: its functional groups, those shared by all, the data set itself.
FrameLook read_frame_look(DcmItem& attributes, std::uint32_t number);

/// PS3.3 C.11.2.1.2 and C.11.2.1.3: a window that means something.
bool is_usable(const VoiWindow& window);

/// The same window over stored values; `rescale.slope` is not 0. A window of negative slope comes
/// out with a positive width: the picture is to be inverted.
VoiWindow over_stored_values(const VoiWindow& window, const Rescale& rescale);

/// Fills `flat` with the attributes of one frame, without its pixels. Errc::malformed: palettes
/// that are none.
Result<void>
flatten(DcmItem& attributes, const DecodedFrame& frame, const FrameLook& look, DcmDataset& flat);

} // namespace gantry::mapping
