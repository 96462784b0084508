// What the forms of a page share: a match from its text, and what breaks off. Internal to the QIDO
// client. Runs on the loop.
#pragma once

#include "gateway/origins/qido_page.h"

#include <memory>
#include <string>
#include <string_view>

namespace gantry {

using Match = boost::system::result<std::unique_ptr<DcmDataset>, SearchProblem>;

class MatchSource {
public:
    explicit MatchSource(SearchRoom room) : room_(room) {}

    const SearchRoom& room() const noexcept { return room_; }

    /// One object of DICOM JSON. Values without meaning are left out; the first is logged.
    Match read(std::string_view json);

private:
    SearchRoom room_;
    bool logged_ = false;
};

/// The answer is not what it should be: asking again would not help.
SearchProblem broken(std::string reason);

/// Reading the body failed.
SearchProblem broke_off(const Error& why);

/// multipart/related with one Native DICOM Model (PS3.19 A.1) in each part. nullptr: no boundary.
std::unique_ptr<SearchPage>
xml_page(SearchRoom room, std::unique_ptr<web::ClientResponse> response, Beyond beyond);

} // namespace gantry
