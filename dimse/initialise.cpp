// Sets up what DCMTK keeps for the whole process. Before any thread; never again.
#include "dimse/error.h"
#include "dimse/listener.h"
#include "dimse/log.h"

#include <dcmtk/config/osconfig.h>

#include <dcmtk/dcmdata/dcdict.h>
#include <dcmtk/oflog/appender.h>
#include <dcmtk/oflog/oflog.h>
#include <dcmtk/oflog/spi/logevent.h>

#include <csignal>

namespace gantry::dimse {

namespace {

namespace oflog = dcmtk::log4cplus;

/// DCMTK's log lines, among ours. Its errors speak of structure; in all below, values of data sets
/// may stand: those stay out.
class Bridge final : public oflog::Appender {
public:
    Bridge() = default;
    Bridge(const Bridge&) = delete;
    Bridge& operator=(const Bridge&) = delete;
    Bridge(Bridge&&) = delete;
    Bridge& operator=(Bridge&&) = delete;

    ~Bridge() override { destructorImpl(); }

    void close() override { closed = true; }

protected:
    void append(const oflog::spi::InternalLoggingEvent& event) override
    {
        log().warn("dcmtk reason=\"{}\"", event.getMessage().c_str());
    }
};

void bridge_log()
{
    OFLog::configure(OFLogger::ERROR_LOG_LEVEL);
    oflog::Logger root = oflog::Logger::getRoot();
    root.removeAllAppenders();
    root.addAppender(oflog::SharedAppenderPtr(new Bridge)); // counted by its pointer
}

} // namespace

Result<void> initialise()
{
    bridge_log();
    if (!dcmDataDict.isDictionaryLoaded())
        return error(Errc::set_up, "DICOM data dictionary (DCMDICTPATH)");
    // A peer that is gone is an error of the write, not the end of the process.
    if (std::signal(SIGPIPE, SIG_IGN) == SIG_ERR)
        return error(Errc::set_up, "SIGPIPE");
    return {};
}

} // namespace gantry::dimse
