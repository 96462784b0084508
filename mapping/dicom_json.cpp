#include "mapping/dicom_json.h"

#include "mapping/dicom_text.h"
#include "mapping/json_text.h"
#include "mapping/json_values.h"
#include "mapping/value_representation.h"
#include "mapping/written_element.h"

#include <dcmtk/config/osconfig.h>

#include <dcmtk/dcmdata/dcelem.h>
#include <dcmtk/dcmdata/dcitem.h>
#include <dcmtk/dcmdata/dcsequen.h>

#include <algorithm>

namespace gantry::mapping {

namespace {

class JsonWriter {
public:
    JsonWriter(std::string& out, const DicomJsonOptions& options) : out_(out), options_(options) {}

    Result<void> data_set(DcmItem& data_set)
    {
        const std::string character_set = declared_character_set(data_set);
        TextDecoder text(character_set);
        out_ += '{';
        const std::size_t start = out_.size();
        std::size_t insert_at = start;
        const auto wanted = [&](Tag tag) {
            return tag != tag::specific_character_set && (!options_.wanted || options_.wanted(tag));
        };
        const Scope scope{text, has_signed_pixels(data_set, false), 0, {}};
        for (DcmObject* child = nullptr; (child = data_set.nextInContainer(child)) != nullptr;) {
            const Tag tag = tag_of_object(*child);
            if (is_left_out(tag) || !wanted(tag))
                continue;
            if (const auto written = element(dynamic_cast<DcmElement&>(*child), scope); !written)
                return written.error();
            if (tag < tag::specific_character_set)
                insert_at = out_.size();
        }
        // what was not UTF-8 is now (PS3.18 F.2.1); every element has a comma after it
        constexpr std::string_view utf8 = R"("00080005":{"vr":"CS","Value":["ISO_IR 192"]},)";
        const bool asked = !options_.wanted || options_.wanted(tag::specific_character_set);
        if (non_ascii_ || (asked && !character_set.empty()))
            out_.insert(insert_at, utf8);
        if (out_.size() > start && out_.back() == ',')
            out_.pop_back();
        out_ += '}';
        return {};
    }

private:
    struct Scope { // the item that is being written
        TextDecoder& text;
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
        const Scope scope{text, signed_pixels, parent.depth + 1, parent.path};
        out_ += '{';
        for (DcmObject* child = nullptr; (child = item.nextInContainer(child)) != nullptr;) {
            const Tag tag = tag_of_object(*child);
            if (is_left_out(tag) || tag == tag::specific_character_set)
                continue;
            if (const auto written = element(dynamic_cast<DcmElement&>(*child), scope); !written)
                return written.error();
        }
        if (out_.back() == ',')
            out_.pop_back();
        out_ += '}';
        return {};
    }

    /// With a comma after it.
    Result<void> element(DcmElement& element, const Scope& scope)
    {
        const Tag tag = tag_of_object(element);
        const Vr vr = written_vr(element, scope.signed_pixels);
        const std::size_t start = out_.size();
        out_ += '"' + tag.hex() + "\":{\"vr\":\"" + to_string(vr) + '"';
        auto* sequence = dynamic_cast<DcmSequenceOfItems*>(&element);
        auto written = sequence != nullptr ? items(*sequence, scope) : value(element, vr, scope);
        if (!written)
            return written.error();
        if (*written)
            out_ += "},";
        else
            out_.resize(start);
        return {};
    }

    /// The functions below say false where the element is to be left out.
    Result<bool> items(DcmSequenceOfItems& sequence, const Scope& parent)
    {
        if (sequence.isEmpty())
            return true;
        out_ += ",\"Value\":[";
        Scope scope = parent;
        unsigned number = 0;
        for (DcmObject* child = nullptr; (child = sequence.nextInContainer(child)) != nullptr;) {
            out_ += number++ == 0 ? "" : ",";
            scope.path =
                parent.path + tag_of_object(sequence).hex() + '.' + std::to_string(number) + '.';
            if (const auto written = item(dynamic_cast<DcmItem&>(*child), scope); !written)
                return written.error();
        }
        out_ += ']';
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
        if (is_binary_number(vr))
            return numbers(element, vr, size);
        return text(element, vr, scope);
    }

    Result<bool> bulk(DcmElement& element, Vr vr, std::uint32_t size, const Scope& scope)
    {
        if (options_.bulk_data_uri) {
            const Tag tag = tag_of_object(element);
            const BulkValue bulk{tag, to_string(vr), size, scope.path + tag.hex()};
            if (const auto uri = options_.bulk_data_uri(bulk)) {
                out_ += ",\"BulkDataURI\":";
                append_json_string(out_, *uri);
                return true;
            }
        }
        return size == encapsulated_size ? Result<bool>(false) : inline_binary(element, size);
    }

    Result<bool> inline_binary(DcmElement& element, std::uint32_t size)
    {
        constexpr std::uint32_t piece_size = 3U << 14U;
        std::string piece(std::min(size, piece_size), '\0');
        out_ += ",\"InlineBinary\":\"";
        for (std::uint32_t at = 0; at < size; at += piece_size) {
            const std::uint32_t length = std::min(size - at, piece_size);
            if (!read_value(element, piece, at, length))
                return unreadable(element);
            append_base64(out_, std::as_bytes(std::span(piece).first(length)));
        }
        out_ += '"';
        return true;
    }

    Result<bool> numbers(DcmElement& element, Vr vr, std::uint32_t size)
    {
        std::string raw(size, '\0');
        if (!read_value(element, raw, 0, size))
            return unreadable(element);
        const auto values = json_numbers(vr, std::as_bytes(std::span(raw)));
        if (!values)
            return inline_binary(element, size);
        if (*values != "[]")
            out_ += ",\"Value\":" + *values;
        return true;
    }

    Result<bool> text(DcmElement& element, Vr vr, const Scope& scope)
    {
        std::string raw(element.getLength(EXS_LittleEndianExplicit), '\0');
        if (!read_value(element, raw, 0, static_cast<std::uint32_t>(raw.size())))
            return unreadable(element);
        const auto values = scope.text.values(vr, raw);
        if (values.empty())
            return true;
        const std::size_t start = out_.size();
        out_ += ",\"Value\":" + json_texts(vr, values);
        non_ascii_ =
            non_ascii_ ||
            std::any_of(out_.begin() + static_cast<std::ptrdiff_t>(start), out_.end(), [](char c) {
                return static_cast<unsigned char>(c) > 0x7f;
            });
        return true;
    }

    static Error unreadable(const DcmElement& element)
    {
        return error(
            Errc::malformed, "a value that cannot be read at " + tag_of_object(element).hex()
        );
    }

    std::string& out_;
    const DicomJsonOptions& options_;
    bool non_ascii_ = false;
};

} // namespace

Result<void> write_dicom_json(DcmItem& data_set, std::string& out, const DicomJsonOptions& options)
{
    const std::size_t start = out.size();
    auto written = JsonWriter(out, options).data_set(data_set);
    if (!written)
        out.resize(start);
    return written;
}

} // namespace gantry::mapping
