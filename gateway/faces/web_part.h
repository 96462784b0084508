// One part of a STOW-RS request, from its first byte to a sealed instance or the reason why it is
// none (PS3.18 10.5, annex I.2). Blocking: on a worker; one thread at a time. Keeps no more of it
// than the head of a DICOM file.
#pragma once

#include "gateway/faces/web_intake.h"
#include "mapping/data_set_scanner.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace gantry::faces {

struct TakenPart {
    SopReference sop; // as far as it is known
    Uid study;
    Uid series;
    std::optional<std::uint16_t> failure; // Failure Reason (0008,1197)
    std::unique_ptr<IntakeWriter> writer; // sealed, where there is no failure
    std::uint64_t length = 0;             // of the data set

    /// Goes into Failed SOP Sequence, where it can be named, else into Other Failures Sequence.
    bool named() const { return !sop.sop_instance.empty() && !sop.sop_class.empty(); }
};

class PartTaker {
public:
    /// `study`: of the URL, where it names one. The intake outlives the taker.
    PartTaker(Intake& intake, std::optional<Uid> study, std::string peer_address);

    /// Takes the next bytes of the part. After a failure they are ignored.
    void feed(ConstBytes bytes);

    bool failed() const noexcept { return part_.failure.has_value(); }

    /// Nothing more of the part is wanted.
    bool lost() const noexcept { return failed(); }

    /// The part is over.
    TakenPart finish();

private:
    void fail(std::uint16_t reason);
    void fail(const Error& why);
    void find_head(bool whole);
    void take(ConstBytes bytes);
    void seal();

    Intake& intake_;
    std::optional<Uid> study_;
    std::string peer_address_;
    std::vector<std::byte> head_;
    Uid transfer_syntax_;
    std::optional<mapping::DataSetScanner> scanner_;
    TakenPart part_;
};

} // namespace gantry::faces
