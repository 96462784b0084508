// A certificate authority made for one test: its own certificate and those it signs, as PEM files.
#pragma once

#include "web/options.h"

#include <filesystem>
#include <memory>
#include <string>

namespace gantry::tests {

class TestCa {
public:
    /// Files go to `folder`, which must exist; `name` keeps the files of two authorities apart.
    explicit TestCa(std::filesystem::path folder, std::string name = "ca");
    ~TestCa();
    TestCa(const TestCa&) = delete;
    TestCa& operator=(const TestCa&) = delete;

    /// The authority's own certificate.
    std::filesystem::path certificate() const;

    /// Certificate and key for `host`, a name or an IPv4 address; `ca` is left empty.
    web::TlsFiles issue(const std::string& host);

private:
    struct State;
    std::unique_ptr<State> state_;
};

} // namespace gantry::tests
