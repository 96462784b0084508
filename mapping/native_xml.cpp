#include "mapping/native_xml.h"

#include "mapping/xml_scanner.h"

#include <boost/json.hpp>

#include <algorithm>
#include <charconv>
#include <iterator>
#include <string>
#include <utility>
#include <vector>

namespace gantry::mapping {

namespace {

constexpr unsigned max_depth = 64;
constexpr std::size_t max_left_out = 65'536; // values of one document: a few letters could say more

class NativeModelReader {
public:
    explicit NativeModelReader(std::string_view xml) : xml_(xml) {}

    Result<boost::json::object> read()
    {
        auto root = xml_.next(text_);
        if (!root)
            return root.error();
        if (root->closing || root->name != "NativeDicomModel")
            return error(Errc::malformed, "no NativeDicomModel");
        return root->empty ? boost::json::object() : attributes(*root, 0);
    }

private:
    struct Member {
        std::string tag;
        std::string creator; // of a private one
        boost::json::object attribute;
    };

    /// Private attributes come without their block (PS3.19 table A.1.5-2): each creator has the one
    /// that its element names, or else the next that is free.
    static Result<boost::json::object> placed(std::vector<Member> members)
    {
        boost::json::object found;
        for (Member& member : members)
            if (!needs_block(member) &&
                !found.emplace(member.tag, std::move(member.attribute)).second)
                return error(Errc::malformed, "an attribute twice");
        for (Member& member : members) {
            if (!needs_block(member))
                continue;
            const std::string block = block_of(member, found);
            if (block.empty())
                return error(Errc::malformed, "too many private creators");
            const std::string tag = member.tag.substr(0, 4) + block + member.tag.substr(6);
            if (!found.emplace(tag, std::move(member.attribute)).second)
                return error(Errc::malformed, "an attribute twice");
        }
        return found;
    }

    /// "00091001" with the block 10 has it already.
    static bool needs_block(const Member& member)
    {
        constexpr std::string_view odd = "13579BbDdFf";
        return !member.creator.empty() && member.tag.size() == 8 &&
               odd.find(member.tag[3]) != std::string_view::npos && member.tag.substr(4, 2) == "00";
    }

    static std::string block_of(const Member& member, boost::json::object& found)
    {
        constexpr std::string_view digits = "0123456789ABCDEF";
        const std::string group = member.tag.substr(0, 4);
        std::string free;
        for (unsigned block = 0x10; block <= 0xff; ++block) {
            const std::string number{digits[block >> 4U], digits[block & 0xfU]};
            const auto* const there = found.if_contains(group + "00" + number);
            if (there == nullptr) {
                free = free.empty() ? number : free;
                continue;
            }
            boost::json::error_code absent;
            const auto* const name = there->find_pointer("/Value/0", absent);
            if (name != nullptr && name->is_string() && name->get_string() == member.creator)
                return number;
        }
        if (!free.empty())
            found[group + "00" + free] =
                boost::json::object{{"vr", "LO"}, {"Value", boost::json::array{member.creator}}};
        return free;
    }

    /// The DicomAttribute children of the model or of an Item, to its end.
    Result<boost::json::object> attributes(const XmlTag& parent, unsigned depth)
    {
        if (depth > max_depth)
            return error(Errc::too_deep, "XML");
        std::vector<Member> members;
        while (true) {
            const auto child = xml_.next(text_);
            if (!child)
                return child.error();
            if (child->closing) {
                auto found = placed(std::move(members));
                return found ? ends(*child, parent, std::move(*found)) : found;
            }
            auto read =
                child->name == "DicomAttribute" ? attribute(*child, depth) : skipped(*child, depth);
            if (!read)
                return read.error();
            if (child->name != "DicomAttribute")
                continue;
            std::string creator = child->attribute("privateCreator");
            members.push_back({child->attribute("tag"), std::move(creator), std::move(*read)});
        }
    }

    template <class T>
    static Result<T> ends(const XmlTag& tag, const XmlTag& parent, T found)
    {
        if (tag.name != parent.name)
            return error(Errc::malformed, "XML");
        return found;
    }

    /// The Value and Item children of an attribute, to its end.
    Result<boost::json::object> attribute(const XmlTag& parent, unsigned depth)
    {
        boost::json::array values;
        boost::json::object found{{"vr", parent.attribute("vr")}};
        while (!parent.empty) {
            const auto child = xml_.next(text_);
            if (!child)
                return child.error();
            if (child->closing) {
                if (child->name != parent.name)
                    return error(Errc::malformed, "XML");
                break;
            }
            const bool bulk = child->name == "BulkData";
            if (bulk || child->name == "InlineBinary") {
                auto text = bulk ? reference(*child, depth) : content(*child);
                if (!text)
                    return text.error();
                found[bulk ? "BulkDataURI" : "InlineBinary"] = std::move(*text);
            } else if (const auto read = member(*child, values, depth); !read) {
                return read.error();
            }
        }
        if (!values.empty())
            found["Value"] = std::move(values);
        return found;
    }

    Result<std::string> reference(const XmlTag& child, unsigned depth)
    {
        if (const auto over = skipped(child, depth); !over)
            return over.error();
        std::string uri = child.attribute("uri");
        return uri.empty() ? child.attribute("uuid") : uri;
    }

    /// The text of an element without children.
    Result<std::string> content(const XmlTag& child)
    {
        if (child.empty)
            return std::string();
        const auto end = xml_.next(text_);
        if (!end || !end->closing || end->name != child.name)
            return error(Errc::malformed, "XML");
        return text_;
    }

    /// Values and items say which they are; those that are left out are empty.
    Result<void> reach(const XmlTag& child, boost::json::array& values)
    {
        const std::string number = child.attribute("number");
        std::size_t wanted = 0;
        (void)std::from_chars(number.data(), number.data() + number.size(), wanted);
        for (; values.size() + 1 < wanted; ++left_out_) {
            if (left_out_ >= max_left_out)
                return error(Errc::too_large, "numbers of values");
            values.emplace_back(nullptr);
        }
        return {};
    }

    Result<void> member(const XmlTag& child, boost::json::array& values, unsigned depth)
    {
        const bool counted =
            child.name == "Item" || child.name == "PersonName" || child.name == "Value";
        if (const auto there = counted ? reach(child, values) : Result<void>(); !there)
            return there;
        if (child.name == "Item") {
            auto item = child.empty ? boost::json::object() : attributes(child, depth + 1);
            if (!item)
                return item.error();
            values.emplace_back(std::move(*item));
        } else if (child.name == "PersonName") {
            auto name = child.empty ? boost::json::object() : person_name(child, depth + 1);
            if (!name)
                return name.error();
            values.emplace_back(std::move(*name));
        } else if (child.name == "Value") {
            auto text = content(child);
            if (!text)
                return text.error();
            values.emplace_back(std::move(*text));
        } else if (const auto over = skipped(child, depth); !over) {
            return over.error();
        }
        return {};
    }

    /// The groups of a name, each in the form of a value field:
    /// "Family^Given^Middle^Prefix^Suffix".
    Result<boost::json::object> person_name(const XmlTag& parent, unsigned depth)
    {
        boost::json::object groups;
        while (true) {
            const auto child = xml_.next(text_);
            if (!child)
                return child.error();
            if (child->closing)
                return ends(*child, parent, std::move(groups));
            if (child->empty)
                continue;
            auto components = name_components(*child, depth + 1);
            if (!components)
                return components.error();
            groups[child->name] = std::move(*components);
        }
    }

    Result<std::string> name_components(const XmlTag& parent, unsigned depth)
    {
        constexpr std::string_view names[] = {
            "FamilyName", "GivenName", "MiddleName", "NamePrefix", "NameSuffix"
        };
        std::string components[std::size(names)];
        while (true) {
            const auto child = xml_.next(text_);
            if (!child)
                return child.error();
            if (child->closing) {
                std::string out;
                for (const std::string& component : components)
                    out += component + '^';
                out.resize(out.find_last_not_of('^') + 1);
                return ends(*child, parent, std::move(out));
            }
            const auto* const name = std::ranges::find(names, child->name);
            if (name == std::end(names) || child->empty) {
                if (const auto over = skipped(*child, depth); !over)
                    return over.error();
                continue;
            }
            const auto end = xml_.next(text_);
            if (!end || !end->closing || end->name != child->name)
                return error(Errc::malformed, "XML");
            components[name - std::begin(names)] = text_;
        }
    }

    Result<boost::json::object> skipped(const XmlTag& parent, unsigned depth)
    {
        if (depth > max_depth)
            return error(Errc::too_deep, "XML");
        while (!parent.empty) {
            const auto child = xml_.next(text_);
            if (!child)
                return child.error();
            if (child->closing)
                return ends(*child, parent, boost::json::object());
            if (const auto over = skipped(*child, depth + 1); !over)
                return over.error();
        }
        return boost::json::object();
    }

    XmlScanner xml_;
    std::string text_;
    std::size_t left_out_ = 0;
};

} // namespace

Result<boost::json::object> read_native_xml(std::string_view xml)
{
    return NativeModelReader(xml).read();
}

} // namespace gantry::mapping
