#include "mapping/qido_keys.h"

#include "mapping/elements.h"
#include "mapping/matching.h"
#include "mapping/query_keys.h"
#include "mapping/utc_date_time.h"
#include "mapping/utf8.h"

#include <dcmtk/config/osconfig.h>

#include <dcmtk/dcmdata/dcdicent.h>
#include <dcmtk/dcmdata/dcdict.h>
#include <dcmtk/dcmdata/dcelem.h>
#include <dcmtk/dcmdata/dcitem.h>
#include <dcmtk/dcmdata/dcsequen.h>

#include <algorithm>
#include <cctype>

namespace gantry::mapping {

namespace {

constexpr std::size_t max_depth = 8;
constexpr Vr da = make_vr('D', 'A');
constexpr Vr dt = make_vr('D', 'T');
constexpr Vr pn = make_vr('P', 'N');
constexpr Vr tm = make_vr('T', 'M');

/// What no query asks an archive for: its own elements, and what gantry itself answers.
bool is_left_out(Tag tag)
{
    return tag.element == 0 || tag.group <= 0x0002 || tag.group >= 0xfffc || is_control(tag);
}

bool is_only(std::string_view text, std::string_view characters)
{
    return text.find_first_not_of(characters) == std::string_view::npos;
}

/// Matches everything (PS3.4 C.2.2.2.3): empty, "*", a name of nothing else.
bool is_universal(Vr vr, std::string_view value)
{
    return is_only(value, vr == pn ? "*^= " : "*");
}

/// The default repertoire of dates and times as QIDO-RS wants it: no blanks, no old punctuation.
std::string plain(Vr vr, std::string value)
{
    if (vr == da)
        std::erase_if(value, [](char c) { return c == ' ' || c == '.'; });
    else if (vr == tm)
        std::erase_if(value, [](char c) { return c == ' ' || c == ':'; });
    else if (vr == dt)
        value = in_utc(value);
    else if (vr == make_vr('A', 'T'))
        std::erase_if(value, [](char c) { return c == '(' || c == ',' || c == ')'; });
    return value;
}

/// Private elements arrive as UN where the transfer syntax has no VRs.
std::string text_of_unknown(DcmElement& element)
{
    Uint8* bytes = nullptr;
    if (element.getUint8Array(bytes).bad() || bytes == nullptr)
        return {};
    std::string text(reinterpret_cast<const char*>(bytes), element.getLength());
    while (text.ends_with(' ') || text.ends_with('\0'))
        text.pop_back();
    const bool printable =
        std::ranges::none_of(text, [](unsigned char c) { return c < 0x20 || c == 0x7f; });
    return printable && is_utf8(text) ? text : std::string();
}

class Collector {
public:
    explicit Collector(const QidoDialect& dialect) : dialect_(dialect) {}

    Result<QidoKeys> collect(DcmItem& keys)
    {
        for (DcmObject* child = nullptr; (child = keys.nextInContainer(child)) != nullptr;) {
            auto* const element = dynamic_cast<DcmElement*>(child);
            if (element == nullptr || is_left_out(tag_of(*element)))
                continue;
            outermost_ = tag_of(*element);
            if (outermost_.is_private_creator())
                continue;
            found_.fields.push_back(outermost_);
            if (std::ranges::find(dialect_.unsearchable, outermost_) != dialect_.unsearchable.end())
                continue;
            if (const auto done = take(keys, *element, {}, 0); !done)
                return done.error();
        }
        return std::move(found_);
    }

private:
    /// A key of `item`, whose own name is `prefix`.
    Result<void> take(DcmItem& item, DcmElement& element, const std::string& prefix, unsigned depth)
    {
        const Tag tag = tag_of(element);
        auto* const sequence = dynamic_cast<DcmSequenceOfItems*>(&element);
        if (sequence != nullptr)
            return within(*sequence, prefix + attribute_name(tag) + '.', depth);
        const Vr vr = vr_of(element);
        const std::string text =
            vr == vr::un && tag.is_private() ? text_of_unknown(element) : text_of(element);
        MatchKey key{prefix + attribute_name(tag), outermost_, vr, {}};
        for (const std::string& value : split_values(vr, text)) {
            if (is_universal(vr, value))
                return {};
            if (vr == vr::ui && value.find_first_of("*?") != std::string::npos)
                return error(Errc::malformed, tag.hex());
            key.values.push_back(plain(vr, value));
        }
        if (key.values.empty())
            return {};
        if (tag.is_private())
            add_creator(item, tag, prefix);
        found_.matches.push_back(std::move(key));
        return {};
    }

    /// PS3.4 C.2.2.2.6: one item, or none.
    Result<void> within(DcmSequenceOfItems& sequence, const std::string& prefix, unsigned depth)
    {
        if (sequence.card() > 1 || depth >= max_depth)
            return error(Errc::malformed, tag_of(sequence).hex());
        if (sequence.card() == 0)
            return {};
        DcmItem& item = *sequence.getItem(0);
        for (DcmObject* child = nullptr; (child = item.nextInContainer(child)) != nullptr;) {
            auto* const element = dynamic_cast<DcmElement*>(child);
            if (element == nullptr || is_left_out(tag_of(*element)) ||
                tag_of(*element).is_private_creator())
                continue;
            if (const auto done = take(item, *element, prefix, depth + 1); !done)
                return done.error();
        }
        return {};
    }

    /// PS3.18 8.3.4.1: a private attribute is asked for with its creator.
    void add_creator(DcmItem& item, Tag tag, const std::string& prefix)
    {
        const Tag creator{tag.group, static_cast<std::uint16_t>(tag.element >> 8U)};
        const std::string name = prefix + attribute_name(creator);
        const std::string text = text_of(item, creator);
        const bool there =
            std::ranges::find(found_.matches, name, &MatchKey::name) != found_.matches.end();
        if (!text.empty() && !there)
            found_.matches.push_back({name, outermost_, vr::lo, {text}});
    }

    const QidoDialect& dialect_;
    QidoKeys found_;
    Tag outermost_;
};

bool stays(char c, const QidoDialect& dialect)
{
    constexpr std::string_view plain = "-._~*?:@/!$'()";
    return std::isalnum(static_cast<unsigned char>(c)) != 0 ||
           plain.find(c) != std::string_view::npos || (c == '^' && dialect.raw_caret);
}

} // namespace

Result<QidoKeys> collect_qido_keys(DcmItem& keys, const QidoDialect& dialect)
{
    return Collector(dialect).collect(keys);
}

bool is_range(std::string_view value)
{
    return value.find('-') != std::string_view::npos;
}

std::string attribute_name(Tag tag)
{
    if (tag.is_private())
        return tag.hex();
    const DcmDataDictionary& dictionary = dcmDataDict.rdlock();
    const DcmDictEntry* entry = dictionary.findEntry(DcmTagKey(tag.group, tag.element), nullptr);
    std::string name;
    if (entry != nullptr && !entry->isRepeating())
        name = entry->getTagName();
    dcmDataDict.rdunlock();
    // DCMTK's own names of what is retired have a "_"
    const bool keyword = !name.empty() && std::ranges::all_of(name, [](unsigned char c) {
        return std::isalnum(c) != 0;
    });
    return keyword ? name : tag.hex();
}

void append_encoded(std::string& out, Vr vr, std::string_view value, const QidoDialect& dialect)
{
    constexpr char digits[] = "0123456789ABCDEF";
    const bool widen = dialect.raw_caret && has_wildcards(vr);
    for (const char c : value) {
        if (stays(c, dialect)) {
            out.push_back(c);
        } else if (widen) {
            if (!out.ends_with('*'))
                out.push_back('*');
        } else {
            const auto byte = static_cast<unsigned char>(c);
            out.push_back('%');
            out.push_back(digits[byte >> 4U]);
            out.push_back(digits[byte & 0xfU]);
        }
    }
}

} // namespace gantry::mapping
