// Cuts an XML document into tags and the text between them: as much of XML as responses use. Pure.
// No entity but the five of XML itself and characters by number, no document type.
#pragma once

#include "mapping/error.h"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace gantry::mapping {

struct XmlTag {
    std::string_view name; // without a namespace prefix
    std::vector<std::pair<std::string_view, std::string>> attributes;
    bool closing = false; // </a>
    bool empty = false;   // <a/>

    /// Its value; empty where it is absent.
    std::string attribute(std::string_view wanted) const;
};

class XmlScanner {
public:
    /// `xml` must outlive it and its tags.
    explicit XmlScanner(std::string_view xml) : left_(xml) {}

    /// The text up to the next tag, then the tag. Errc::malformed, also at the end of the document.
    Result<XmlTag> next(std::string& text);

private:
    bool skip(std::string_view end);
    void skip_spaces();
    std::string_view name();
    Result<XmlTag> tag();
    bool attribute(XmlTag& tag);

    std::string_view left_;
};

} // namespace gantry::mapping
