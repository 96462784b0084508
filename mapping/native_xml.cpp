#include "mapping/native_xml.h"

#include "mapping/xml_scanner.h"

#include <boost/json.hpp>

#include <algorithm>
#include <iterator>
#include <string>
#include <utility>

namespace gantry::mapping {

namespace {

constexpr unsigned max_depth = 64;

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
    /// The DicomAttribute children of the model or of an Item, to its end.
    Result<boost::json::object> attributes(const XmlTag& parent, unsigned depth)
    {
        if (depth > max_depth)
            return error(Errc::too_deep, "XML");
        boost::json::object found;
        while (true) {
            const auto child = xml_.next(text_);
            if (!child)
                return child.error();
            if (child->closing)
                return ends(*child, parent, std::move(found));
            auto read =
                child->name == "DicomAttribute" ? attribute(*child, depth) : skipped(*child, depth);
            if (!read)
                return read.error();
            if (child->name == "DicomAttribute")
                found[child->attribute("tag")] = std::move(*read);
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
            if (const auto read = member(*child, values, depth); !read)
                return read.error();
        }
        if (!values.empty())
            found["Value"] = std::move(values);
        return found;
    }

    Result<void> member(const XmlTag& child, boost::json::array& values, unsigned depth)
    {
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
        } else if (child.name == "Value" && !child.empty) {
            const auto end = xml_.next(text_);
            if (!end || !end->closing || end->name != child.name)
                return error(Errc::malformed, "XML");
            values.emplace_back(text_);
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
};

} // namespace

Result<boost::json::object> read_native_xml(std::string_view xml)
{
    return NativeModelReader(xml).read();
}

} // namespace gantry::mapping
