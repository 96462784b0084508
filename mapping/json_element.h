// One element of a data set from its value in DICOM JSON (PS3.18 F.2.2 to F.2.7). Internal to
// mapping/. Pure. Lenient where the meaning is clear.
#pragma once

#include "mapping/json_events.h"
#include "mapping/value_representation.h"

#include <cstddef>
#include <memory>
#include <optional>
#include <string_view>

class DcmElement;

namespace gantry::mapping {

/// "00100020", in either case; "0010,0020" and "(0010,0020)" too. Nothing where it is none.
std::optional<Tag> parse_json_tag(std::string_view text);

/// The VR in which an element is kept: the dictionary's of a standard attribute where that can say
/// what was written, else what was written, UN where nobody knows it. `written` may be empty.
Vr resolved_vr(Tag tag, std::string_view written);

/// Whether DCMTK has a class for it.
bool is_known_vr(Vr vr);

struct MadeElement {
    std::unique_ptr<DcmElement> element;
    bool non_ascii = false;
};

/// `value` is the index of the value of "Value". Not for sequences. Errc::malformed without detail.
Result<MadeElement> element_of_values(const JsonEvents& json, std::size_t value, Tag tag, Vr vr);

/// From the text of "InlineBinary": base64 (RFC 4648 4), line breaks allowed, little endian.
Result<MadeElement> element_of_base64(std::string_view text, Tag tag, Vr vr);

/// Without a value.
Result<MadeElement> empty_element(Tag tag, Vr vr);

} // namespace gantry::mapping
