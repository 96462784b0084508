#include "mapping/json_element.h"

#include "mapping/json_text_values.h"

#include <dcmtk/config/osconfig.h>

#include <dcmtk/dcmdata/dcelem.h>
#include <dcmtk/dcmdata/dcitem.h>
#include <dcmtk/dcmdata/dctag.h>
#include <dcmtk/dcmdata/dcvr.h>
#include <dcmtk/dcmdata/dcvrsv.h>
#include <dcmtk/dcmdata/dcvruv.h>

#include <algorithm>
#include <bit>
#include <cstring>

namespace gantry::mapping {

namespace {

constexpr Vr at = make_vr('A', 'T');

static_assert(std::endian::native == std::endian::little); // bytes are put as they are

Error no_value()
{
    return error(Errc::malformed);
}

DcmEVR evr_of(Vr vr)
{
    const std::string name = to_string(vr);
    return DcmVR(name.c_str()).getEVR();
}

Result<std::unique_ptr<DcmElement>> make(Tag tag, Vr vr)
{
    DcmElement* made = nullptr;
    const DcmTag key(tag.group, tag.element, DcmVR(evr_of(vr)));
    if (DcmItem::newDicomElementWithVR(made, key).bad() || made == nullptr)
        return no_value();
    return std::unique_ptr<DcmElement>(made);
}

/// The 64-bit VRs are no part of DCMTK's common face: `Element` is the class that has `put`.
template <class T, class Element>
OFCondition
put(DcmElement& element, OFCondition (Element::*put)(const T*, unsigned long), std::string_view raw)
{
    auto* const typed = dynamic_cast<Element*>(&element);
    if (typed == nullptr)
        return EC_IllegalCall;
    std::vector<T> values(raw.size() / sizeof(T));
    if (!values.empty())
        std::memcpy(values.data(), raw.data(), values.size() * sizeof(T));
    return (typed->*put)(values.data(), static_cast<unsigned long>(values.size()));
}

/// Bytes of the whole value field, little endian.
OFCondition put_binary(DcmElement& element, Vr vr, std::string_view raw)
{
    switch (vr) {
    case at: { // DCMTK counts tags here, not halves of them
        std::vector<Uint16> halves(raw.size() / sizeof(Uint16));
        std::memcpy(halves.data(), raw.data(), halves.size() * sizeof(Uint16));
        return element.putUint16Array(halves.data(), static_cast<unsigned long>(halves.size() / 2));
    }
    case make_vr('O', 'W'):
    case vr::us: return put(element, &DcmElement::putUint16Array, raw);
    case vr::ss: return put(element, &DcmElement::putSint16Array, raw);
    case make_vr('O', 'L'):
    case vr::ul: return put(element, &DcmElement::putUint32Array, raw);
    case make_vr('S', 'L'): return put(element, &DcmElement::putSint32Array, raw);
    case make_vr('F', 'L'):
    case make_vr('O', 'F'): return put(element, &DcmElement::putFloat32Array, raw);
    case make_vr('F', 'D'):
    case make_vr('O', 'D'): return put(element, &DcmElement::putFloat64Array, raw);
    case make_vr('O', 'V'):
    case make_vr('U', 'V'): return put(element, &DcmUnsigned64bitVeryLong::putUint64Array, raw);
    case make_vr('S', 'V'): return put(element, &DcmSigned64bitVeryLong::putSint64Array, raw);
    default: return put(element, &DcmElement::putUint8Array, raw);
    }
}

bool is_bytes(Vr vr)
{
    return first_letter(vr) == 'O' || vr == vr::un;
}

bool is_binary(Vr vr)
{
    return is_bytes(vr) || word_size(vr) > 1;
}

Result<MadeElement> element_of_raw(std::string_view raw, Tag tag, Vr vr)
{
    auto element = make(tag, vr);
    if (!element)
        return element.error();
    const bool binary = is_binary(vr);
    if (binary && raw.size() % (vr == at ? 4 : word_size(vr)) != 0)
        return no_value();
    const OFCondition done =
        raw.empty() ? EC_Normal
        : binary    ? put_binary(**element, vr, raw)
                    : (*element)->putString(raw.data(), static_cast<Uint32>(raw.size()));
    if (done.bad())
        return no_value();
    const bool non_ascii = !binary && std::ranges::any_of(raw, [](char c) {
        return static_cast<unsigned char>(c) > 0x7f;
    });
    return MadeElement{std::move(*element), non_ascii};
}

int base64_digit(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

Result<std::string> from_base64(std::string_view text)
{
    std::string out;
    out.reserve(text.size() / 4 * 3);
    std::uint32_t bits = 0;
    unsigned digits = 0;
    unsigned padding = 0;
    for (const char c : text) {
        if (c == '\r' || c == '\n')
            continue;
        const int digit = base64_digit(c);
        padding += c == '=' ? 1 : 0;
        if ((digit < 0 && c != '=') || (digit >= 0 && padding > 0))
            return no_value();
        bits = bits << 6U | static_cast<std::uint32_t>(std::max(digit, 0));
        if (++digits % 4 == 0)
            for (const unsigned shift : {16U, 8U, 0U})
                out.push_back(static_cast<char>(bits >> shift & 0xffU));
    }
    if (digits % 4 != 0 || padding > 2)
        return no_value();
    out.resize(out.size() - padding);
    return out;
}

/// Kinds of VRs between which a value can be carried over.
bool is_text(Vr vr)
{
    return !is_binary(vr) && vr != vr::sq;
}

} // namespace

std::optional<Tag> parse_json_tag(std::string_view text)
{
    std::uint32_t number = 0;
    unsigned digits = 0;
    for (const char c : text) {
        if (c == '(' || c == ',' || c == ')')
            continue;
        const bool decimal = c >= '0' && c <= '9';
        const char lower = static_cast<char>(c | 0x20);
        if (++digits > 8 || (!decimal && (lower < 'a' || lower > 'f')))
            return std::nullopt;
        number = number << 4U | static_cast<std::uint32_t>(decimal ? c - '0' : lower - 'a' + 10);
    }
    if (digits != 8)
        return std::nullopt;
    return Tag{static_cast<std::uint16_t>(number >> 16U), static_cast<std::uint16_t>(number)};
}

bool is_known_vr(Vr vr)
{
    return DcmVR(evr_of(vr)).isStandard();
}

Vr resolved_vr(Tag tag, std::string_view written)
{
    const Vr sent = written.size() == 2 ? make_vr(written[0], written[1]) : vr::none;
    const Vr dictionary = dictionary_vr(tag);
    if (sent == dictionary && sent != vr::un)
        return sent;
    const bool sent_is_vr = sent != vr::none && is_known_vr(sent);
    switch (dictionary) {
    case vr::us_or_ss: return sent_is_vr ? sent : vr::us;
    case vr::us_or_ss_or_ow:
    case vr::ob_or_ow: return sent_is_vr ? sent : vr::ow;
    case vr::un: return sent_is_vr ? sent : vr::un;
    default: break;
    }
    const bool convertible =
        is_text(dictionary) || (word_size(dictionary) > 1 && !is_bytes(dictionary));
    return sent_is_vr && (!convertible || sent == vr::un || sent == vr::sq) ? sent : dictionary;
}

Result<MadeElement> element_of_values(const JsonEvents& json, std::size_t value, Tag tag, Vr vr)
{
    if (is_binary(vr) && vr != vr::un) {
        const auto raw = is_bytes(vr) ? no_value() : binary_values(json, value, vr);
        return raw ? element_of_raw(*raw, tag, vr) : raw.error();
    }
    const auto text = text_values(json, value, vr);
    return text ? element_of_raw(*text, tag, vr) : text.error();
}

Result<MadeElement> element_of_base64(std::string_view text, Tag tag, Vr vr)
{
    auto raw = from_base64(text);
    if (raw && !is_binary(vr))
        raw = clean_text(*raw);
    return raw ? element_of_raw(*raw, tag, vr) : raw.error();
}

Result<MadeElement> empty_element(Tag tag, Vr vr)
{
    return element_of_raw({}, tag, vr);
}

} // namespace gantry::mapping
