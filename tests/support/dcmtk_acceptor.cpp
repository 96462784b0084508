#include "support/dcmtk_acceptor.h"

#include <dcmtk/config/osconfig.h>

#include <dcmtk/dcmdata/dcostrmf.h>
#include <dcmtk/dcmnet/assoc.h>
#include <dcmtk/dcmnet/dcmlayer.h>
#include <dcmtk/dcmnet/dcmtrans.h>
#include <dcmtk/dcmnet/dimse.h>
#include <dcmtk/dcmnet/diutil.h>

#include <string>
#include <sys/socket.h>
#include <unistd.h>

namespace gantry::tests {

namespace {

constexpr int timeout_s = 20;

/// DCMTK asks for a listening socket unless it finds one here; what it is does not matter.
void place_holder()
{
    static const int once = [] {
        int pair[2] = {-1, -1};
        (void)::socketpair(AF_UNIX, SOCK_STREAM, 0, pair);
        dcmExternalSocketHandle.set(pair[0]);
        dcmDisableGethostbyaddr.set(OFTrue);
        return pair[1];
    }();
    (void)once;
}

/// Puts an association on a socket that we have accepted.
class OverSocket final : public DcmTransportLayer {
public:
    explicit OverSocket(int socket) : socket_(socket) {}

    DcmTransportConnection* createConnection(DcmNativeSocketType, OFBool) override
    {
        return new DcmTCPConnection(socket_); // DCMTK deletes it
    }

private:
    int socket_;
};

void accept_everything(T_ASC_Parameters* params)
{
    for (int i = 0; i < ASC_countPresentationContexts(params); ++i) {
        T_ASC_PresentationContext context;
        ASC_getPresentationContext(params, i, &context);
        ASC_acceptPresentationContext(
            params, context.presentationContextID, context.proposedTransferSyntaxes[0]
        );
    }
}

OFCondition store(
    T_ASC_Association* association,
    T_DIMSE_Message& message,
    T_ASC_PresentationContextID context,
    const std::filesystem::path& folder
)
{
    T_DIMSE_C_StoreRQ& request = message.msg.CStoreRQ;
    const std::string path = (folder / request.AffectedSOPInstanceUID).string();
    DcmOutputFileStream stream{OFFilename(path.c_str())};
    const OFCondition received = DIMSE_receiveDataSetInFile(
        association, DIMSE_NONBLOCKING, timeout_s, &context, &stream, nullptr, nullptr
    );
    if (received.bad())
        return received;
    T_DIMSE_C_StoreRSP response{};
    response.DimseStatus = STATUS_Success;
    return DIMSE_sendStoreResponse(association, context, &request, &response, nullptr);
}

OFCondition converse(T_ASC_Association* association, const std::filesystem::path& folder)
{
    OFCondition condition = ASC_acknowledgeAssociation(association);
    while (condition.good()) {
        T_DIMSE_Message message;
        T_ASC_PresentationContextID context = 0;
        condition = DIMSE_receiveCommand(
            association, DIMSE_NONBLOCKING, timeout_s, &context, &message, nullptr
        );
        if (condition.bad())
            break;
        if (message.CommandField == DIMSE_C_STORE_RQ)
            condition = store(association, message, context, folder);
        else
            condition = DIMSE_sendEchoResponse(
                association, context, &message.msg.CEchoRQ, STATUS_Success, nullptr
            );
    }
    return condition;
}

} // namespace

DcmtkAcceptor::DcmtkAcceptor(std::filesystem::path folder, int associations)
    : folder_(std::move(folder))
{
    place_holder();
    thread_ = std::thread([this, associations] {
        for (int i = 0; i < associations; ++i) {
            ScriptedPeer peer = listener_.accept();
            serve(::dup(peer.fd())); // DCMTK closes it
        }
    });
}

void DcmtkAcceptor::join()
{
    if (thread_.joinable())
        thread_.join();
}

void DcmtkAcceptor::serve(int socket)
{
    OverSocket layer(socket);
    T_ASC_Network* network = nullptr;
    ASC_initializeNetwork(NET_ACCEPTOR, 0, timeout_s, &network);
    ASC_setTransportLayer(network, &layer, 0);
    T_ASC_Association* association = nullptr;
    OFCondition condition = ASC_receiveAssociation(
        network, &association, ASC_DEFAULTMAXPDU, nullptr, nullptr, OFFalse, DUL_NOBLOCK, timeout_s
    );
    if (condition.good()) {
        accept_everything(association->params);
        condition = converse(association, folder_);
        if (condition == DUL_PEERREQUESTEDRELEASE) {
            ASC_acknowledgeRelease(association);
            ++released_;
        }
    }
    if (association != nullptr) {
        ASC_dropAssociation(association);
        ASC_destroyAssociation(&association);
    }
    ASC_dropNetwork(&network);
}

} // namespace gantry::tests
