#include "mapping/native_xml_writer.h"

#include "mapping/dicom_text.h"
#include "mapping/elements.h"
#include "mapping/json_values.h"
#include "mapping/qido_keys.h"
#include "mapping/utf8.h"
#include "mapping/written_element.h"

#include <dcmtk/config/osconfig.h>

#include <dcmtk/dcmdata/dcelem.h>
#include <dcmtk/dcmdata/dcitem.h>
#include <dcmtk/dcmdata/dcsequen.h>

#include <algorithm>
#include <utility>

namespace gantry::mapping {

namespace {

constexpr Vr pn = make_vr('P', 'N');

constexpr std::string_view declaration = R"(<?xml version="1.0" encoding="UTF-8"?>)"
                                         "\n";
// PS3.19 A.1.6; spaces at either end of a value count
constexpr std::string_view root =
    R"(<NativeDicomModel xmlns="http://dicom.nema.org/PS3.19/models/NativeDICOM" xml:space="preserve">)";
constexpr std::string_view root_end = "</NativeDicomModel>\n";

/// What XML 1.0 has no place for (section 2.2): most control characters, and two that are none.
bool is_character(std::string_view utf8)
{
    const auto lead = static_cast<unsigned char>(utf8.front());
    if (lead < 0x20)
        return lead == '\t' || lead == '\n' || lead == '\r';
    return utf8 != "\xef\xbf\xbe" && utf8 != "\xef\xbf\xbf";
}

/// Appends text of an element or of a quoted attribute.
void append_escaped(std::string& out, std::string_view text)
{
    while (!text.empty()) {
        const std::size_t size = std::max<std::size_t>(utf8_character(text), 1);
        const std::string_view character = text.substr(0, size);
        switch (character.front()) {
        case '&': out += "&amp;"; break;
        case '<': out += "&lt;"; break;
        case '>': out += "&gt;"; break;
        case '"': out += "&quot;"; break;
        case '\r': out += "&#13;"; break; // a reader would take it for a line feed
        default: out += is_character(character) ? character : "\xef\xbf\xbd";
        }
        text.remove_prefix(size);
    }
}

std::string numbered(std::string_view element, std::size_t number)
{
    return '<' + std::string(element) + " number=\"" + std::to_string(number) + '"';
}

/// The name of the elements of PS3.19 table A.1.5-5; what has a sixth component keeps it.
void append_components(std::string& out, std::string_view group)
{
    constexpr std::string_view names[] = {
        "FamilyName", "GivenName", "MiddleName", "NamePrefix", "NameSuffix"
    };
    for (const std::string_view name : names) {
        const bool last = name == names[4];
        const std::size_t end = last ? std::string_view::npos : group.find('^');
        if (const std::string_view text = group.substr(0, end); !text.empty()) {
            out += '<' + std::string(name) + '>';
            append_escaped(out, text);
            out += "</" + std::string(name) + '>';
        }
        group = end == std::string_view::npos ? std::string_view() : group.substr(end + 1);
    }
}

void append_name(std::string& out, std::string_view name, std::size_t number)
{
    constexpr std::string_view groups[] = {"Alphabetic", "Ideographic", "Phonetic"};
    out += numbered("PersonName", number) + '>';
    for (const std::string_view element : groups) {
        const std::size_t end = name.find('=');
        std::string_view group = name.substr(0, end);
        while (group.ends_with(' ') || group.ends_with('^')) // they say nothing (PS3.5 6.2.1)
            group.remove_suffix(1);
        if (!group.empty()) {
            out += '<' + std::string(element) + '>';
            append_components(out, group);
            out += "</" + std::string(element) + '>';
        }
        name = end == std::string_view::npos ? std::string_view() : name.substr(end + 1);
    }
    out += "</PersonName>";
}

class XmlWriter {
public:
    XmlWriter(std::string& out, const NativeXmlOptions& options) : out_(out), options_(options) {}

    Result<void> data_set(DcmItem& data_set)
    {
        const std::string character_set = declared_character_set(data_set);
        TextDecoder text(character_set);
        out_ += declaration;
        out_ += root;
        std::size_t insert_at = out_.size();
        const auto wanted = [&](Tag tag) { return !options_.wanted || options_.wanted(tag); };
        const Scope scope{text, data_set, has_signed_pixels(data_set, false), 0, {}};
        for (DcmObject* child = nullptr; (child = data_set.nextInContainer(child)) != nullptr;) {
            const Tag tag = tag_of_object(*child);
            if (is_left_out(tag) || tag == tag::specific_character_set || !wanted(tag))
                continue;
            if (const auto written = element(dynamic_cast<DcmElement&>(*child), scope); !written)
                return written.error();
            if (tag < tag::specific_character_set)
                insert_at = out_.size();
        }
        // what was not UTF-8 is now
        constexpr std::string_view utf8 =
            R"(<DicomAttribute tag="00080005" vr="CS" keyword="SpecificCharacterSet">)"
            R"(<Value number="1">ISO_IR 192</Value></DicomAttribute>)";
        if (non_ascii_ || (wanted(tag::specific_character_set) && !character_set.empty()))
            out_.insert(insert_at, utf8);
        out_ += root_end;
        return {};
    }

private:
    struct Scope { // the item that is being written
        TextDecoder& text;
        DcmItem& item;
        bool signed_pixels;
        unsigned depth;
        std::string path; // of the item: "" or "54000100.1."
    };

    Result<void> item(DcmItem& item, const Scope& parent)
    {
        if (parent.depth >= max_written_depth)
            return error(Errc::too_deep, "sequence");
        std::string character_set = declared_character_set(item);
        if (character_set.empty())
            character_set = parent.text.character_set();
        TextDecoder text(std::move(character_set));
        const bool signed_pixels = has_signed_pixels(item, parent.signed_pixels);
        const Scope scope{text, item, signed_pixels, parent.depth + 1, parent.path};
        for (DcmObject* child = nullptr; (child = item.nextInContainer(child)) != nullptr;) {
            const Tag tag = tag_of_object(*child);
            if (is_left_out(tag) || tag == tag::specific_character_set)
                continue;
            if (const auto written = element(dynamic_cast<DcmElement&>(*child), scope); !written)
                return written.error();
        }
        return {};
    }

    Result<void> element(DcmElement& element, const Scope& scope)
    {
        const Vr vr = written_vr(element, scope.signed_pixels);
        const std::size_t start = out_.size();
        open(tag_of_object(element), vr, scope.item);
        auto* sequence = dynamic_cast<DcmSequenceOfItems*>(&element);
        auto written = sequence != nullptr ? items(*sequence, scope) : value(element, vr, scope);
        if (!written)
            return written.error();
        if (*written)
            out_ += "</DicomAttribute>";
        else
            out_.resize(start);
        return {};
    }

    /// PS3.19 table A.1.5-2: a private element names its creator, and has no block.
    void open(Tag tag, Vr vr, DcmItem& item)
    {
        const Tag creator_tag{tag.group, static_cast<std::uint16_t>(tag.element >> 8U)};
        std::string creator;
        if (creator_tag.is_private_creator())
            creator = text_of(item, creator_tag);
        if (!creator.empty())
            tag.element &= 0xffU;
        out_ += "<DicomAttribute tag=\"" + tag.hex() + "\" vr=\"" + to_string(vr) + '"';
        const std::string keyword = tag.is_private() ? std::string() : attribute_name(tag);
        if (!keyword.empty() && keyword != tag.hex())
            out_ += " keyword=\"" + keyword + '"';
        if (!creator.empty()) {
            out_ += " privateCreator=\"";
            append_escaped(out_, creator);
            out_ += '"';
        }
        out_ += '>';
    }

    /// The functions below say false where the element is to be left out.
    Result<bool> items(DcmSequenceOfItems& sequence, const Scope& parent)
    {
        Scope scope = parent;
        std::size_t number = 0;
        for (DcmObject* child = nullptr; (child = sequence.nextInContainer(child)) != nullptr;) {
            out_ += numbered("Item", ++number) + '>';
            scope.path =
                parent.path + tag_of_object(sequence).hex() + '.' + std::to_string(number) + '.';
            if (const auto written = item(dynamic_cast<DcmItem&>(*child), scope); !written)
                return written.error();
            out_ += "</Item>";
        }
        return true;
    }

    Result<bool> value(DcmElement& element, Vr vr, const Scope& scope)
    {
        if (is_encapsulated(element))
            return bulk(element, vr, encapsulated_size, scope);
        const std::uint32_t size = element.getLength(EXS_LittleEndianExplicit);
        if (size == 0)
            return true;
        if (first_letter(vr) == 'O' || vr == vr::un)
            return bulk(element, vr, size, scope);
        std::string raw(size, '\0');
        if (!read_value(element, raw, 0, size))
            return unreadable(element);
        if (!is_binary_number(vr)) {
            texts(vr, raw, scope);
            return true;
        }
        const auto numbers = number_texts(vr, std::as_bytes(std::span(raw)));
        if (!numbers) // not finite
            return inline_binary(element, size);
        values(*numbers);
        return true;
    }

    Result<bool> bulk(DcmElement& element, Vr vr, std::uint32_t size, const Scope& scope)
    {
        if (options_.bulk_data_uri) {
            const Tag tag = tag_of_object(element);
            const BulkValue bulk{tag, to_string(vr), size, scope.path + tag.hex()};
            if (const auto uri = options_.bulk_data_uri(bulk)) {
                out_ += "<BulkData uri=\"";
                append_escaped(out_, *uri);
                out_ += "\"/>";
                return true;
            }
        }
        return size == encapsulated_size ? Result<bool>(false) : inline_binary(element, size);
    }

    Result<bool> inline_binary(DcmElement& element, std::uint32_t size)
    {
        constexpr std::uint32_t piece_size = 3U << 14U;
        std::string piece(std::min(size, piece_size), '\0');
        out_ += "<InlineBinary>";
        for (std::uint32_t at = 0; at < size; at += piece_size) {
            const std::uint32_t length = std::min(size - at, piece_size);
            if (!read_value(element, piece, at, length))
                return unreadable(element);
            append_base64(out_, std::as_bytes(std::span(piece).first(length)));
        }
        out_ += "</InlineBinary>";
        return true;
    }

    void texts(Vr vr, std::string_view raw, const Scope& scope)
    {
        const std::size_t start = out_.size();
        const auto decoded = scope.text.values(vr, raw);
        if (vr == pn) {
            for (std::size_t i = 0; i < decoded.size(); ++i)
                append_name(out_, decoded[i], i + 1);
        } else {
            values(decoded);
        }
        non_ascii_ =
            non_ascii_ || std::ranges::any_of(std::string_view(out_).substr(start), [](char c) {
                return static_cast<unsigned char>(c) > 0x7f;
            });
    }

    void values(std::span<const std::string> texts)
    {
        for (std::size_t i = 0; i < texts.size(); ++i) {
            out_ += numbered("Value", i + 1) + '>';
            append_escaped(out_, texts[i]);
            out_ += "</Value>";
        }
    }

    static Error unreadable(const DcmElement& element)
    {
        return error(
            Errc::malformed, "a value that cannot be read at " + tag_of_object(element).hex()
        );
    }

    std::string& out_;
    const NativeXmlOptions& options_;
    bool non_ascii_ = false;
};

} // namespace

Result<void> write_native_xml(DcmItem& data_set, std::string& out, const NativeXmlOptions& options)
{
    const std::size_t start = out.size();
    auto written = XmlWriter(out, options).data_set(data_set);
    if (!written)
        out.resize(start);
    return written;
}

} // namespace gantry::mapping
