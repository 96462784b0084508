// How many associations run, in all and for each calling AE, and how much memory the incomplete
// requests hold. Loop only.
#pragma once

#include "dimse/association.h"

#include <cstddef>
#include <cstdint>
#include <unordered_map>
#include <utility>

namespace gantry::dimse {

class Admission {
public:
    /// Room for one association; gives it back when it dies.
    class Seat {
    public:
        Seat() = default;
        Seat(Admission& admission, AeTitle calling);
        Seat(const Seat&) = delete;
        Seat& operator=(const Seat&) = delete;

        Seat(Seat&& other) noexcept
            : admission_(std::exchange(other.admission_, nullptr)),
              calling_(std::move(other.calling_))
        {
        }

        Seat& operator=(Seat&&) = delete;
        ~Seat();

    private:
        Admission* admission_ = nullptr;
        AeTitle calling_;
    };

    /// Memory for part of an A-ASSOCIATE-RQ; gives it back when it dies.
    class Share {
    public:
        explicit Share(Admission& admission) : admission_(&admission) {}

        Share(const Share&) = delete;
        Share& operator=(const Share&) = delete;
        Share(Share&&) = delete;
        Share& operator=(Share&&) = delete;

        ~Share() { admission_->request_bytes_ -= held_; }

        /// False where all requests together would hold too much.
        bool grow(std::size_t bytes);

    private:
        Admission* admission_;
        std::size_t held_ = 0;
    };

    explicit Admission(std::size_t max_associations) : max_associations_(max_associations) {}

    bool full(const AeTitle& calling, std::size_t max_of_calling) const;

    std::size_t associations() const noexcept { return associations_; }

private:
    std::size_t max_associations_;
    std::size_t associations_ = 0;
    std::size_t request_bytes_ = 0;
    std::unordered_map<AeTitle, std::size_t> of_calling_;
};

} // namespace gantry::dimse
