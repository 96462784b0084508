// One STOW-RS request on its way: its parts go to the intake, in whatever form they come, and what
// became of each is gathered. Runs on the loop; parts are taken on a worker.
#pragma once

#include "gateway/faces/web_common.h"
#include "gateway/faces/web_part.h"
#include "gateway/faces/web_store_metadata.h"
#include "mapping/stow_outcome.h"
#include "web/multipart.h"

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace gantry::faces {

/// What stands in the parts of a request, by the type of its root.
enum class StoreForm : std::uint8_t { files, json, xml };

class StoreRequest {
public:
    struct Terms {
        Intake& intake;
        WorkerPool& disk;
        std::optional<Uid> study; // of the URL
        std::string peer_address;
        std::string target;
    };

    StoreRequest(const WebFaceOptions& options, Terms terms);

    /// Takes the parts of a body until it ends or breaks; commits what was whole.
    asio::awaitable<Result<void>>
    take_multipart(web::RequestBody& body, std::string boundary, StoreForm form);
    /// The body is one DICOM file.
    asio::awaitable<Result<void>> take_single(web::RequestBody& body);
    /// After either: puts metadata and bulk data together, makes everything durable, and waits for
    /// the origins where that is configured.
    asio::awaitable<void> conclude();

    /// `readable`: what is stored can be had below `service` at once.
    mapping::StowReport report(const std::string& service, bool readable) const;

private:
    struct Known {
        InstanceKey key;
        mapping::InstanceOutcome outcome;
        custody::ReceiptId receipt = 0;
    };

    asio::awaitable<Result<void>> take_part(const web::Fields& fields, web::ByteSource source);
    asio::awaitable<Result<void>> take_file(web::ByteSource source);
    asio::awaitable<Result<void>> take_kept(web::ByteSource source);
    template <class Taker>
    asio::awaitable<Result<void>> draw(Taker& taker, web::ByteSource source);
    asio::awaitable<void> keep(TakenPart part);
    asio::awaitable<void> commit();
    asio::awaitable<void> await_origins();

    const WebFaceOptions& options_;
    Terms terms_;
    StoreMetadata metadata_;
    StoreForm form_ = StoreForm::files;
    bool first_ = true; // no part has come
    std::vector<std::byte> buffer_;
    std::vector<std::unique_ptr<IntakeWriter>> group_; // sealed, to be committed together
    std::vector<std::size_t> places_;                  // of the group in known_
    std::uint64_t group_bytes_ = 0;
    std::vector<Known> known_;
    std::vector<std::uint16_t> other_failures_;
};

} // namespace gantry::faces
