// What the services of the DICOMweb face share: addresses, errors as application/problem+json
// (RFC 9457), Accept. Runs on the loop.
#pragma once

#include "gateway/faces/web_face.h"
#include "web/server.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace gantry::faces {

inline constexpr std::string_view dicom_json = "application/dicom+json";

/// An answer that is no success. `detail` is for people: no patient data.
struct Problem {
    std::uint16_t status = 500;
    std::string detail;
};

asio::awaitable<void>
send_problem(Problem problem, std::chrono::seconds retry_after, web::Response& response);

/// Where clients reach the root: "https://host/dicom-web".
std::string service_url(const WebFaceOptions& options, const web::Request& request);
/// Below it, as deep as UIDs are given.
std::string resource_url(const std::string& service, const InstanceKey& key, QueryLevel level);

/// The UID of a route's parameter; nothing where the route has none; Problem 400 where it is none.
struct PathUid {
    std::optional<Uid> uid;
    bool malformed = false;
};

PathUid path_uid(const web::Request& request, const char* name);

/// What the route names: a study, a series or an instance. Problem 400 where a UID is none.
struct Asked {
    RetrieveQuestion question;
    std::optional<Problem> problem;
};

Asked asked_for(const web::Request& request);

/// The Accept header, or the accept parameter that goes before it (PS3.18 8.3.3.1). Empty: none.
std::string accept_of(const web::Request& request);
/// DICOM JSON under the name that the client takes; empty: it takes none (406).
std::string acceptable_json(const web::Request& request);

} // namespace gantry::faces
