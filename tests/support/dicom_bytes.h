// Bytes of DICOM for tests: PDUs, command sets, data sets, written here and not by the code under
// test.
#pragma once

#include "support/scripted_peer.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace gantry::tests {

inline constexpr const char* verification = "1.2.840.10008.1.1";
inline constexpr const char* ct_image = "1.2.840.10008.5.1.4.1.1.2";
inline constexpr const char* mr_image = "1.2.840.10008.5.1.4.1.1.4";
inline constexpr const char* implicit_le = "1.2.840.10008.1.2";
inline constexpr const char* explicit_le = "1.2.840.10008.1.2.1";

struct Proposal {
    unsigned id = 1;
    std::string abstract_syntax;
    std::vector<std::string> transfer_syntaxes;
};

struct RequestBytes {
    std::string calling = "MODALITY";
    std::string called = "GANTRY";
    std::vector<Proposal> proposals = {{1, ct_image, {explicit_le}}};
    std::uint32_t max_pdu = 131'072;
    unsigned version = 1;
    std::string application_context = "1.2.840.10008.3.1.1.1";
    ByteVector extra_user_items; // whole sub-items, after ours
};

/// A whole A-ASSOCIATE-RQ.
ByteVector associate_request(const RequestBytes& request);

/// A whole A-ASSOCIATE-AC that accepts contexts 1, 3, ... in these syntaxes; an empty one refuses.
ByteVector
associate_accept(const std::vector<std::string>& syntaxes, std::uint32_t max_pdu = 131'072);

/// A sub-item 54H (PS3.7 D.3.3.4).
ByteVector role_item(std::string_view sop_class, unsigned scu, unsigned scp);

/// A sub-item 56H (PS3.7 D.3.3.5).
ByteVector extended_item(std::string_view sop_class, ConstBytes information);

/// One P-DATA-TF with one PDV. `control`: bit 0 command, bit 1 last.
ByteVector p_data(unsigned context, unsigned control, ConstBytes fragment);

struct StoreCommand {
    std::string sop_class = ct_image;
    std::string sop_instance = "1.2.3.4";
    unsigned message_id = 1;
    unsigned data_set_type = 0;
    unsigned command = 0x0001;
};

/// A command set.
ByteVector store_command(const StoreCommand& command);
ByteVector echo_command(unsigned message_id);

/// An element of a data set or, with a number below 0x10000, of group 0000.
struct ElementBytes {
    std::uint32_t tag = 0;
    std::string value; // padded with NUL where odd
    std::string vr = {};
};

/// Two bytes, little endian.
std::string us(unsigned value);

/// A command set with its group length; the elements in ascending order.
ByteVector command_set(const std::vector<ElementBytes>& elements);

/// A data set in Explicit or Implicit VR Little Endian.
ByteVector data_set(const std::vector<ElementBytes>& elements, bool with_vr = true);

struct QueryCommand {
    unsigned command = 0x0020;
    std::string sop_class;
    unsigned message_id = 1;
    std::string move_destination = {};
    unsigned priority = 0;
    unsigned data_set_type = 0;
};

/// C-FIND-RQ, C-MOVE-RQ or C-GET-RQ.
ByteVector query_command(const QueryCommand& command);
ByteVector cancel_command(unsigned message_id);
/// C-STORE-RSP.
ByteVector store_response(unsigned message_id, unsigned status);

/// (0000,0900) of a P-DATA-TF that holds a whole response; throws where it holds none.
std::uint16_t status_of(const ByteVector& pdu);

/// An element of type US of group 0000 in such a PDU; -1: absent.
int command_number(const ByteVector& pdu, unsigned element);

/// The value of an element of group 0000 in such a PDU, padding included; empty: absent.
std::string command_text(const ByteVector& pdu, unsigned element);

ByteVector release_request();
ByteVector abort_pdu();

/// A CT in Explicit VR Little Endian with `pixel_bytes` of pixel data.
ByteVector ct_data_set(std::string_view sop_instance, std::size_t pixel_bytes);

ByteVector joined(std::initializer_list<ByteVector> parts);

} // namespace gantry::tests
