// The queue as another process reads it.
#include "gateway/custody/database.h"
#include "gateway/custody/listing.h"
#include "gateway/custody/queue.h"
#include "gateway/custody/schema.h"

#include <utility>

namespace gantry::custody {

namespace {

class Reader final : public QueueReader {
public:
    Reader(std::unique_ptr<Database> database, std::span<const std::string> destinations)
        : database_(std::move(database)), listing_(*database_, destinations)
    {
    }

    Result<std::vector<QueueRow>> list(const QueueFilter& filter) override
    {
        return judged(listing_.list(filter));
    }

    Result<std::vector<DestinationSummary>> summary() override
    {
        return judged(listing_.summary());
    }

    Result<std::vector<StudySummary>> studies(std::optional<Uid> study, std::size_t limit) override
    {
        return judged(listing_.studies(study, limit));
    }

private:
    template <class T>
    Result<T> judged(T value)
    {
        const auto outcome = database_->outcome();
        database_->clear();
        if (!outcome)
            return outcome.error();
        return value;
    }

    std::unique_ptr<Database> database_;
    Listing listing_;
};

} // namespace

// NOLINTBEGIN(performance-unnecessary-value-param): the contract may keep what it is given
Result<std::unique_ptr<QueueReader>>
QueueReader::open(const std::filesystem::path& database, std::vector<std::string> destinations)
// NOLINTEND(performance-unnecessary-value-param)
{
    auto opened = Database::open(database, Database::Access::read_only);
    if (!opened)
        return opened.error();
    if (auto version = check_version(**opened); !version)
        return version.error();
    return std::make_unique<Reader>(std::move(*opened), destinations);
}

} // namespace gantry::custody
