// How the scripted archive matches (PS3.4 C.2.2.2), roughly.
#include "dimse/data_set.h"
#include "support/data_sets.h"
#include "support/scripted_pacs_state.h"

#include <dcmtk/dcmdata/dcdeftag.h>

#include <algorithm>
#include <utility>

namespace gantry::tests {

namespace {

std::string text_of(DcmItem& item, const DcmTagKey& key)
{
    OFString text;
    (void)item.findAndGetOFStringArray(key, text);
    return {text.c_str(), text.size()};
}

/// "*" and "?" (PS3.4 C.2.2.2.4).
bool wild(std::string_view pattern, std::string_view value)
{
    if (pattern.empty())
        return value.empty();
    if (pattern.front() == '*')
        return wild(pattern.substr(1), value) || (!value.empty() && wild(pattern, value.substr(1)));
    return !value.empty() && (pattern.front() == '?' || pattern.front() == value.front()) &&
           wild(pattern.substr(1), value.substr(1));
}

bool in_range(std::string_view range, std::string_view value)
{
    const std::size_t dash = range.find('-');
    const std::string_view from = range.substr(0, dash);
    const std::string_view to = range.substr(dash + 1);
    return !value.empty() && (from.empty() || value >= from) && (to.empty() || value <= to);
}

bool matches_one(std::string_view wanted, std::string_view value, DcmEVR vr)
{
    if ((vr == EVR_DA || vr == EVR_TM) && wanted.find('-') != std::string_view::npos)
        return in_range(wanted, value);
    return vr == EVR_UI ? wanted == value : wild(wanted, value);
}

bool matches(const std::string& wanted, const std::string& value, DcmEVR vr)
{
    if (wanted.empty())
        return true;
    for (std::size_t at = 0; at <= wanted.size();) {
        const std::size_t end = std::min(wanted.find('\\', at), wanted.size());
        if (matches_one(std::string_view(wanted).substr(at, end - at), value, vr))
            return true;
        at = end + 1;
    }
    return false;
}

/// Without relational queries the unique keys of the levels above are there (PS3.4 C.4.1.2.2.1).
bool hierarchical(DcmDataset& identifier)
{
    const std::string level = text_of(identifier, DCM_QueryRetrieveLevel);
    const bool image = level == "IMAGE";
    return !(
        (image && text_of(identifier, DCM_SeriesInstanceUID).empty()) ||
        ((image || level == "SERIES") && text_of(identifier, DCM_StudyInstanceUID).empty())
    );
}

} // namespace

bool pacs_names(DcmDataset& identifier, Tag key, const std::string& value)
{
    return matches(text_of(identifier, DcmTagKey(key.group, key.element)), value, EVR_UI);
}

std::unique_ptr<DcmDataset>
pacs_match(DcmDataset& identifier, const ScriptedPacs::State::Row& row, const PacsFind& script)
{
    if (row.level != text_of(identifier, DCM_QueryRetrieveLevel))
        return nullptr;
    const auto known = data_set(row.lines);
    auto match = std::make_unique<DcmDataset>();
    for (unsigned long i = 0; i < identifier.card(); ++i) {
        DcmElement& key = *identifier.getElement(i);
        const DcmTagKey tag = key.getTag();
        if (tag == DCM_QueryRetrieveLevel || tag == DCM_SpecificCharacterSet) {
            match->insert(dynamic_cast<DcmElement*>(key.clone()), true);
            continue;
        }
        if (script.ignored.contains(Tag{key.getGTag(), key.getETag()}))
            continue;
        if (key.getVR() != EVR_SQ &&
            !matches(text_of(identifier, tag), text_of(*known, tag), key.getVR()))
            return nullptr;
        if (script.left_out.contains(Tag{key.getGTag(), key.getETag()}))
            continue;
        DcmElement* value = nullptr;
        if (known->findAndGetElement(tag, value).good())
            match->insert(dynamic_cast<DcmElement*>(value->clone()), true);
        else
            match->insertEmptyElement(tag);
    }
    return match;
}

void PacsAssociation::find(const PacsMessage& message, const PacsRequest& request)
{
    const auto identifier =
        dimse::parse_data_set(message.data_set, *Uid::parse(request.transfer_syntax));
    if (!identifier)
        return answer(request, {.status = {status::cannot_understand, {}}});
    if (script_.find.strict && !request.granted.relational && !hierarchical(**identifier))
        return answer(request, {.status = {status::data_set_mismatch, {}}});
    const auto rows = state_.locked([this] { return state_.rows; });
    std::size_t given = 0;
    bool any = false;
    do {
        for (const auto& row : rows) {
            if (given == script_.find.most)
                break;
            const auto match = pacs_match(**identifier, row, script_.find);
            if (!match)
                continue;
            if (cancelled())
                return answer(request, {.status = {status::cancelled, {}}});
            any = give(request, *match);
            ++given;
        }
    } while (any && script_.find.endless);
    answer(request, {.status = {script_.find.status, {}}});
}

bool PacsAssociation::give(const PacsRequest& request, DcmDataset& match)
{
    dimse::wire::Buffer bytes;
    if (!dimse::encode_data_set(match, *Uid::parse(request.transfer_syntax), bytes))
        throw PacsEnd();
    answer(request, {.status = {status::pending, {}}, .data_set = true}, bytes);
    return true;
}

} // namespace gantry::tests
