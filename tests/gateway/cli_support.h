// Runs the gantry binary as a person or a script would, and the parts that it talks with.
#pragma once

#include "support/scratch_folder.h"

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace gantry::tests {

struct Ran {
    int status = -1; // exit status; 128 + signal where a signal ended it
    std::string out;
    std::string err;
};

/// Waits for the end; stdin is empty.
Ran run_gantry(const std::vector<std::string>& arguments);

bool has(std::string_view text, std::string_view part);

std::filesystem::path write_file(const std::filesystem::path& path, std::string_view text);
std::string read_file(const std::filesystem::path& path);

/// A DICOM file with a CT image of few attributes.
std::string small_ct(const std::string& sop_instance_uid);

/// The data set of small_ct, Explicit VR Little Endian.
std::string small_ct_data_set(const std::string& sop_instance_uid);

/// An archive that answers as told, on a port of its own.
class FakeArchive {
public:
    struct Answers {
        std::uint16_t query = 200;
        std::uint16_t store = 400;
        std::string query_type = "application/dicom+json";
    };

    explicit FakeArchive(Answers answers);
    ~FakeArchive();
    FakeArchive(const FakeArchive&) = delete;
    FakeArchive& operator=(const FakeArchive&) = delete;

    std::uint16_t port() const;

private:
    struct State;
    std::unique_ptr<State> state_;
};

/// A DICOM node with AE title PEER that accepts GANTRY and GANTRY_SEND, and keeps what it is sent.
/// An instance whose UID ends in .9 is refused with A900.
class FakePeer {
public:
    FakePeer();
    ~FakePeer();
    FakePeer(const FakePeer&) = delete;
    FakePeer& operator=(const FakePeer&) = delete;

    std::uint16_t port() const;

    /// SOP instance UID to data set.
    std::map<std::string, std::string> received() const;

private:
    struct State;
    std::unique_ptr<State> state_;
};

/// A port of this machine that nobody serves.
std::uint16_t unused_port();

} // namespace gantry::tests
