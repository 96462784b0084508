#include "gateway/error.h"

namespace gantry {

namespace {

class Category final : public boost::system::error_category {
public:
    const char* name() const noexcept override { return "gateway"; }

    std::string message(int code) const override
    {
        switch (static_cast<Errc>(code)) {
        case Errc::spool_full: return "not enough free space in the spool";
        case Errc::queue_full: return "too much awaits delivery";
        case Errc::damaged: return "damaged";
        case Errc::disk: return "disk error";
        case Errc::database: return "database error";
        case Errc::in_use: return "in use by another process";
        case Errc::newer_schema: return "written by a newer version of gantry";
        case Errc::not_found: return "not found";
        case Errc::unavailable: return "unavailable";
        case Errc::invalid: return "invalid";
        case Errc::unsupported: return "not supported";
        case Errc::closed: return "shutting down";
        }
        return "unknown error";
    }
};

} // namespace

const boost::system::error_category& category() noexcept
{
    static const Category instance;
    return instance;
}

} // namespace gantry
