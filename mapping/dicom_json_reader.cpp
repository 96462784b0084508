#include "mapping/dicom_json_reader.h"

#include "mapping/json_element.h"
#include "mapping/json_events.h"

#include <dcmtk/config/osconfig.h>

#include <dcmtk/dcmdata/dcdatset.h>
#include <dcmtk/dcmdata/dcdeftag.h>
#include <dcmtk/dcmdata/dcsequen.h>
#include <dcmtk/dcmdata/dctag.h>

#include <optional>
#include <utility>

namespace gantry::mapping {

namespace {

using Kind = JsonEvent::Kind;

bool is_left_out(Tag tag)
{
    return tag.element == 0 || tag.group == 0 || tag.group == 0x0002 || tag.group >= 0xfffc ||
           tag == tag::specific_character_set;
}

/// The members of an attribute's object (PS3.18 F.2.2): indices of values, 0 where there is none.
struct Members {
    std::string_view vr;
    std::size_t value = 0;
    std::size_t inline_binary = 0;
    std::size_t bulk_data = 0;
};

class DataSetReader {
public:
    DataSetReader(const JsonEvents& json, const DicomJsonReadOptions& options)
        : json_(json), options_(options)
    {
    }

    Result<std::unique_ptr<DcmDataset>> read()
    {
        std::size_t object = 0;
        if (json_[0].kind == Kind::array && json_[1].kind == Kind::object &&
            json_[json_[1].after].kind == Kind::end)
            object = 1;
        if (json_[object].kind != Kind::object)
            return error(Errc::malformed, "no object");
        auto data_set = std::make_unique<DcmDataset>();
        if (const auto done = item(*data_set, object, 0, {}); !done)
            return done.error();
        if (non_ascii_)
            (void)data_set->putAndInsertString(DCM_SpecificCharacterSet, "ISO_IR 192");
        return data_set;
    }

private:
    static Error malformed(Tag tag)
    {
        return error(Errc::malformed, "a value that cannot be read at " + tag.hex());
    }

    Result<void> item(DcmItem& into, std::size_t object, std::size_t depth, const std::string& path)
    {
        for (std::size_t i = object + 1; json_[i].kind == Kind::key; i = json_[i].after) {
            const auto tag = parse_json_tag(json_.text(json_[i]));
            if (!tag || is_left_out(*tag))
                continue;
            auto done = attribute(into, *tag, i + 1, {depth, path});
            if (done)
                continue;
            if (depth > 0 || !options_.unreadable || done.error().code == Errc::too_deep)
                return done;
            options_.unreadable(*tag);
        }
        return {};
    }

    struct Place {
        std::size_t depth;
        const std::string& path; // of the item: "" or "54000100.1."
    };

    Result<void> attribute(DcmItem& into, Tag tag, std::size_t at, Place place)
    {
        if (json_[at].kind != Kind::object && json_[at].kind != Kind::null)
            return malformed(tag);
        const Members members = members_of(at);
        auto made = element(tag, members, place);
        if (!made)
            return made.error().code == Errc::malformed && made.error().detail.empty()
                       ? malformed(tag)
                       : made.error();
        non_ascii_ = non_ascii_ || made->non_ascii;
        if (into.insert(made->element.get(), OFFalse).bad()) // twice (PS3.5 7.1)
            return malformed(tag);
        (void)made->element.release(); // the item's
        return {};
    }

    Members members_of(std::size_t object) const
    {
        Members members;
        if (json_[object].kind != Kind::object)
            return members;
        for (std::size_t i = object + 1; json_[i].kind == Kind::key; i = json_[i].after) {
            const std::string_view name = json_.text(json_[i]);
            const JsonEvent& value = json_[i + 1];
            if (value.kind == Kind::null)
                continue;
            if (name == "vr" && value.kind == Kind::string)
                members.vr = json_.text(value);
            else if (name == "Value")
                members.value = i + 1;
            else if (name == "InlineBinary" && value.kind == Kind::string)
                members.inline_binary = i + 1;
            else if (name == "BulkDataURI" && value.kind == Kind::string)
                members.bulk_data = i + 1;
        }
        return members;
    }

    Result<MadeElement> element(Tag tag, const Members& members, Place place)
    {
        const Vr vr = resolved_vr(tag, members.vr);
        if (vr == vr::sq)
            return sequence(tag, members, place);
        if (members.inline_binary != 0) {
            const Vr sent = members.vr.size() == 2 ? make_vr(members.vr[0], members.vr[1]) : vr;
            const std::string_view text = json_.text(json_[members.inline_binary]);
            return element_of_base64(text, tag, is_known_vr(sent) ? sent : vr);
        }
        if (members.value != 0)
            return values(tag, members, vr);
        if (members.bulk_data != 0 && options_.bulk_data) {
            const std::string uri(json_.text(json_[members.bulk_data]));
            options_.bulk_data({place.path + tag.hex(), to_string(vr), uri});
        }
        return empty_element(tag, vr);
    }

    /// A value that the dictionary's VR cannot hold is kept in the one that was written.
    Result<MadeElement> values(Tag tag, const Members& members, Vr vr)
    {
        auto made = element_of_values(json_, members.value, tag, vr);
        if (made || members.vr.size() != 2)
            return made;
        const Vr sent = make_vr(members.vr[0], members.vr[1]);
        if (sent == vr || sent == vr::sq || !is_known_vr(sent))
            return made;
        return element_of_values(json_, members.value, tag, sent);
    }

    Result<MadeElement> sequence(Tag tag, const Members& members, Place place)
    {
        if (place.depth >= options_.max_depth)
            return error(Errc::too_deep, "sequence");
        auto made = std::make_unique<DcmSequenceOfItems>(DcmTag(tag.group, tag.element, EVR_SQ));
        if (members.value == 0)
            return MadeElement{std::move(made), false};
        if (json_[members.value].kind != Kind::array)
            return error(Errc::malformed);
        unsigned number = 0;
        for (std::size_t i = members.value + 1; json_[i].kind != Kind::end; i = json_[i].after) {
            auto child = std::make_unique<DcmItem>();
            const std::string path = place.path + tag.hex() + '.' + std::to_string(++number) + '.';
            if (json_[i].kind == Kind::object) {
                if (const auto done = item(*child, i, place.depth + 1, path); !done)
                    return done.error();
            } else if (json_[i].kind != Kind::null) {
                return error(Errc::malformed);
            }
            if (made->append(child.get()).bad())
                return error(Errc::malformed);
            (void)child.release(); // the sequence's
        }
        return MadeElement{std::move(made), false};
    }

    const JsonEvents& json_;
    const DicomJsonReadOptions& options_;
    bool non_ascii_ = false;
};

} // namespace

Result<std::unique_ptr<DcmDataset>>
read_dicom_json(std::string_view text, const DicomJsonReadOptions& options)
{
    // an attribute, its values, an item: three for each sequence
    const auto json = JsonEvents::parse(text, 3 * options.max_depth + 6);
    if (!json)
        return json.error();
    return DataSetReader(*json, options).read();
}

} // namespace gantry::mapping
