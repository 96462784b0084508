#include "mapping/elements.h"

#include <dcmtk/config/osconfig.h>

#include <dcmtk/dcmdata/dcelem.h>
#include <dcmtk/dcmdata/dcitem.h>
#include <dcmtk/dcmdata/dcsequen.h>
#include <dcmtk/dcmdata/dctag.h>
#include <dcmtk/dcmdata/dcvr.h>

#include <algorithm>
#include <memory>

namespace gantry::mapping {

namespace {

std::string_view trimmed(std::string_view text)
{
    const auto is_padding = [](char c) { return c == ' ' || c == '\0'; };
    while (!text.empty() && is_padding(text.back()))
        text.remove_suffix(1);
    while (!text.empty() && is_padding(text.front()))
        text.remove_prefix(1);
    return text;
}

/// Not text, and no number that anybody would match.
bool is_bulk(Vr vr)
{
    constexpr Vr bulk[] = {
        vr::ob,
        vr::ow,
        vr::un,
        vr::sq,
        vr::none,
        make_vr('O', 'D'),
        make_vr('O', 'F'),
        make_vr('O', 'L'),
        make_vr('O', 'V')
    };
    return std::ranges::find(bulk, vr) != std::end(bulk);
}

} // namespace

Tag tag_of(DcmElement& element)
{
    return {element.getGTag(), element.getETag()};
}

Vr vr_of(DcmElement& element)
{
    const char* name = DcmVR(element.getVR()).getValidVRName();
    return make_vr(name[0], name[1]);
}

std::string text_of(DcmElement& element)
{
    OFString text;
    if (is_bulk(vr_of(element)) || element.getOFStringArray(text, OFFalse).bad())
        return {};
    while (!text.empty() && (text.back() == ' ' || text.back() == '\0'))
        text.resize(text.size() - 1);
    return {text.c_str(), text.size()};
}

DcmElement* find_element(DcmItem& item, Tag tag)
{
    DcmElement* element = nullptr;
    if (item.findAndGetElement(DcmTagKey(tag.group, tag.element), element).bad())
        return nullptr;
    return element;
}

std::string text_of(DcmItem& item, Tag tag)
{
    DcmElement* element = find_element(item, tag);
    return element == nullptr ? std::string() : text_of(*element);
}

bool has_content(DcmItem& item, Tag tag)
{
    DcmElement* element = find_element(item, tag);
    if (auto* sequence = dynamic_cast<DcmSequenceOfItems*>(element))
        return sequence->card() > 0;
    return element != nullptr && element->getLength() > 0;
}

void fill_from(DcmItem& into, DcmItem& from)
{
    for (unsigned long i = 0; i < from.card(); ++i) {
        DcmElement& element = *from.getElement(i);
        if (has_content(into, tag_of(element)))
            continue;
        std::unique_ptr<DcmElement> copy(dynamic_cast<DcmElement*>(element.clone()));
        if (copy && into.insert(copy.get(), OFTrue).good())
            (void)copy.release(); // it is the item's now
    }
}

bool has_one_value(Vr vr)
{
    constexpr Vr single[] = {
        make_vr('L', 'T'), make_vr('S', 'T'), make_vr('U', 'T'), make_vr('U', 'R')
    };
    return std::ranges::find(single, vr) != std::end(single);
}

std::vector<std::string> split_values(Vr vr, std::string_view text)
{
    if (has_one_value(vr))
        return trimmed(text).empty() ? std::vector<std::string>() : std::vector{std::string(text)};
    std::vector<std::string> out;
    for (std::size_t at = 0; at <= text.size();) {
        const std::size_t end = std::min(text.find('\\', at), text.size());
        const std::string_view value = trimmed(text.substr(at, end - at));
        if (!value.empty())
            out.emplace_back(value);
        at = end + 1;
    }
    return out;
}

void put_text(DcmItem& item, Tag tag, const std::string& text)
{
    if (DcmElement* element = find_element(item, tag)) {
        (void)element->putOFStringArray(OFString(text.c_str(), text.size()));
        return;
    }
    const DcmTag known(tag.group, tag.element);
    if (text.empty())
        (void)item.insertEmptyElement(known);
    else
        (void)item.putAndInsertOFStringArray(known, OFString(text.c_str(), text.size()));
}

} // namespace gantry::mapping
