#include "dimse/error.h"

namespace gantry::dimse {

namespace {

class Category final : public boost::system::error_category {
public:
    const char* name() const noexcept override { return "dimse"; }

    std::string message(int code) const override
    {
        switch (static_cast<Errc>(code)) {
        case Errc::malformed: return "protocol violated";
        case Errc::not_resolved: return "host name not resolved";
        case Errc::not_connected: return "not connected";
        case Errc::rejected: return "association rejected";
        case Errc::aborted: return "aborted by the peer";
        case Errc::released: return "released by the peer";
        case Errc::closed: return "connection closed by the peer";
        case Errc::timeout: return "timeout";
        case Errc::stopped: return "stopped";
        case Errc::no_context: return "no presentation context accepted";
        case Errc::not_granted: return "extended negotiation not granted";
        case Errc::busy: return "no association free";
        case Errc::unreadable: return "file not readable";
        case Errc::set_up: return "set-up failed";
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

} // namespace gantry::dimse
