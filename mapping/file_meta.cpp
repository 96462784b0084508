#include "mapping/file_meta.h"

#include "mapping/value_representation.h"
#include "mapping/vocabulary/implementation.h"
#include "mapping/vocabulary/transfer_syntax.h"

#include <algorithm>
#include <optional>

namespace gantry::mapping {

namespace {

constexpr std::size_t preamble_size = 128;
constexpr std::size_t prefix_size = 132; // preamble and "DICM"
constexpr std::uint16_t meta_group = 0x0002;

constexpr Tag group_length{0x0002, 0x0000};
constexpr Tag version{0x0002, 0x0001};
constexpr Tag media_storage_sop_class{0x0002, 0x0002};
constexpr Tag media_storage_sop_instance{0x0002, 0x0003};
constexpr Tag transfer_syntax_uid{0x0002, 0x0010};
constexpr Tag implementation_class{0x0002, 0x0012};
constexpr Tag implementation_version{0x0002, 0x0013};
constexpr Tag source_title{0x0002, 0x0016};

std::uint32_t little_endian(ConstBytes bytes, std::size_t at, std::size_t size)
{
    std::uint32_t number = 0;
    for (std::size_t i = size; i-- > 0;)
        number = number << 8U | std::to_integer<std::uint32_t>(bytes[at + i]);
    return number;
}

std::string_view text(ConstBytes bytes)
{
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

Vr vr_at(ConstBytes bytes, std::size_t at)
{
    return make_vr(std::to_integer<char>(bytes[at]), std::to_integer<char>(bytes[at + 1]));
}

bool looks_like_vr(Vr vr)
{
    const auto capital = [](char c) { return c >= 'A' && c <= 'Z'; };
    return capital(first_letter(vr)) && capital(second_letter(vr));
}

struct Element {
    Tag tag;
    std::size_t header = 0;
    std::uint32_t length = 0;
};

/// Walks the elements of group 0002, always little endian, explicit VR (PS3.10 7.1) or, from some
/// writers, implicit.
class MetaReader {
public:
    MetaReader(ConstBytes bytes, bool whole_file) : bytes_(bytes), whole_file_(whole_file) {}

    Result<ReadFileHead> read()
    {
        if (bytes_.size() < prefix_size && !whole_file_)
            return error(Errc::incomplete);
        skip_prefix();
        while (true) {
            if (at_end() || left() < 8)
                break;
            const auto element = next();
            if (!element)
                return element.error();
            take(element->tag, bytes_.subspan(at_ + element->header, element->length));
            at_ += element->header + element->length;
        }
        if (left() < 8 && !whole_file_)
            return error(Errc::incomplete);
        return conclude();
    }

private:
    std::size_t left() const { return bytes_.size() - at_; }

    void skip_prefix()
    {
        if (bytes_.size() >= prefix_size && text(bytes_.subspan(preamble_size, 4)) == "DICM") {
            read_.has_prefix = true;
            at_ = prefix_size;
        }
        meta_from_ = at_;
    }

    /// Of the meta information. A wrong group length is passed over, but a deflated data set could
    /// begin like an element of group 0002.
    bool at_end() const
    {
        if (left() >= 2 && little_endian(bytes_, at_, 2) != meta_group)
            return true;
        return stated_end_ == at_ && read_.head.transfer_syntax.str() == transfer_syntax::deflated;
    }

    Result<Element> next() const
    {
        Element element;
        const auto number = [this](std::size_t offset, std::size_t size) {
            return little_endian(bytes_, at_ + offset, size);
        };
        element.tag = {meta_group, static_cast<std::uint16_t>(number(2, 2))};
        const Vr vr = vr_at(bytes_, at_ + 4);
        element.header = looks_like_vr(vr) && has_long_form(vr) ? 12 : 8;
        if (left() < element.header)
            return cut();
        if (!looks_like_vr(vr))
            element.length = number(4, 4);
        else
            element.length = element.header == 12 ? number(8, 4) : number(6, 2);
        if (element.length > max_file_head.count)
            return error(Errc::too_large, "file meta information at " + element.tag.hex());
        if (left() < element.header + element.length)
            return cut();
        return element;
    }

    Error cut() const
    {
        if (bytes_.size() >= max_file_head.count)
            return error(Errc::too_large, "file meta information");
        return error(whole_file_ ? Errc::truncated : Errc::incomplete, "file meta information");
    }

    void take(Tag tag, ConstBytes value)
    {
        if (tag == group_length && value.size() == 4)
            stated_end_ = at_ + 12 + little_endian(value, 0, 4);
        else if (tag == media_storage_sop_class)
            read_.head.sop.sop_class = Uid::parse(text(value)).value_or(Uid());
        else if (tag == media_storage_sop_instance)
            read_.head.sop.sop_instance = Uid::parse(text(value)).value_or(Uid());
        else if (tag == transfer_syntax_uid)
            read_.head.transfer_syntax = Uid::parse(text(value)).value_or(Uid());
        else if (tag == source_title)
            read_.head.source = AeTitle::parse(text(value)).value_or(AeTitle());
    }

    Result<ReadFileHead> conclude()
    {
        read_.data_set_offset = at_;
        read_.transfer_syntax_stated = !read_.head.transfer_syntax.empty();
        if (!read_.transfer_syntax_stated) {
            const auto guess = left() >= 8 ? guess_syntax() : std::nullopt;
            if (!guess)
                return error(at_ > meta_from_ ? Errc::malformed : Errc::not_dicom);
            read_.head.transfer_syntax = Uid::parse(*guess).value_or(Uid());
        }
        return read_;
    }

    /// By the first element of the data set: its group is a low one in the right byte order, and
    /// letters stand where a VR would.
    std::optional<std::string_view> guess_syntax() const
    {
        const std::uint32_t group = little_endian(bytes_, at_, 2);
        const std::uint32_t swapped = (group & 0xffU) << 8U | group >> 8U;
        const bool meta = at_ > meta_from_; // then it is some data set, whatever it begins with
        const auto plausible = [meta](std::uint32_t g) {
            return meta || (g >= 0x0004 && g <= 0x0028 && g % 2 == 0);
        };
        if (looks_like_vr(vr_at(bytes_, at_ + 4))) {
            if (group <= swapped)
                return plausible(group) ? std::optional(transfer_syntax::explicit_le)
                                        : std::nullopt;
            return plausible(swapped) ? std::optional(transfer_syntax::explicit_be) : std::nullopt;
        }
        const std::uint32_t length = little_endian(bytes_, at_ + 4, 4);
        if (plausible(group) && (meta || length <= 0xffff))
            return transfer_syntax::implicit_le;
        return std::nullopt;
    }

    ConstBytes bytes_;
    bool whole_file_;
    std::size_t at_ = 0;
    std::size_t meta_from_ = 0;
    std::optional<std::size_t> stated_end_;
    ReadFileHead read_;
};

void append_number(std::string& out, std::uint32_t number, std::size_t size)
{
    for (std::size_t i = 0; i < size; ++i)
        out.push_back(static_cast<char>(number >> (8 * i) & 0xffU));
}

void append_element(std::string& out, Tag tag, const char (&vr)[3], std::string_view value)
{
    append_number(out, tag.group, 2);
    append_number(out, tag.element, 2);
    out.append(vr, 2);
    const bool padded = value.size() % 2 != 0;
    const auto length = static_cast<std::uint32_t>(value.size() + (padded ? 1 : 0));
    if (has_long_form(make_vr(vr[0], vr[1]))) {
        append_number(out, 0, 2); // reserved
        append_number(out, length, 4);
    } else {
        append_number(out, length, 2);
    }
    out.append(value);
    if (padded) // PS3.5 6.2: UI with NUL, text with a space
        out.push_back(make_vr(vr[0], vr[1]) == vr::ui ? '\0' : ' ');
}

} // namespace

Result<ReadFileHead> read_file_head(ConstBytes prefix, bool whole_file)
{
    return MetaReader(prefix, whole_file).read();
}

std::string write_file_head(const FileHead& head)
{
    std::string elements;
    append_element(elements, version, "OB", std::string_view("\0\1", 2));
    append_element(elements, media_storage_sop_class, "UI", head.sop.sop_class.str());
    append_element(elements, media_storage_sop_instance, "UI", head.sop.sop_instance.str());
    append_element(elements, transfer_syntax_uid, "UI", head.transfer_syntax.str());
    append_element(elements, implementation_class, "UI", implementation::class_uid);
    append_element(elements, implementation_version, "SH", implementation::version_name);
    if (!head.source.empty())
        append_element(elements, source_title, "AE", head.source.str());

    std::string out(preamble_size, '\0');
    out += "DICM";
    std::string size;
    append_number(size, static_cast<std::uint32_t>(elements.size()), 4);
    append_element(out, group_length, "UL", size);
    return out + elements;
}

} // namespace gantry::mapping
