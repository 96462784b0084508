#include "support/test_ca.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <cstdio>
#include <stdexcept>

namespace gantry::tests {

namespace {

struct FreeKey {
    void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
};

struct FreeCertificate {
    void operator()(X509* certificate) const { X509_free(certificate); }
};

struct CloseFile {
    void operator()(std::FILE* file) const
    {
        (void)std::fclose(file);
    } // NOLINT(cppcoreguidelines-owning-memory): the deleter
};

using Key = std::unique_ptr<EVP_PKEY, FreeKey>;
using Certificate = std::unique_ptr<X509, FreeCertificate>;

void extend(X509* certificate, X509* issuer, int extension, const std::string& value)
{
    X509V3_CTX context{};
    X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
    X509_EXTENSION* made = X509V3_EXT_conf_nid(nullptr, &context, extension, value.c_str());
    if (made == nullptr)
        throw std::runtime_error("certificate extension " + value);
    X509_add_ext(certificate, made, -1);
    X509_EXTENSION_free(made);
}

Certificate make(const std::string& name, long serial, EVP_PKEY* key)
{
    constexpr long hour = 3600;
    constexpr long x509v3 = 2;
    Certificate certificate(X509_new());
    X509_set_version(certificate.get(), x509v3);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate.get()), serial);
    X509_gmtime_adj(X509_getm_notBefore(certificate.get()), -hour);
    X509_gmtime_adj(X509_getm_notAfter(certificate.get()), 24 * hour);
    X509_NAME_add_entry_by_txt(
        X509_get_subject_name(certificate.get()),
        "CN",
        MBSTRING_UTF8,
        reinterpret_cast<const unsigned char*>(name.c_str()), // bytes are bytes
        -1,
        -1,
        0
    );
    X509_set_pubkey(certificate.get(), key);
    return certificate;
}

std::unique_ptr<std::FILE, CloseFile> open(const std::filesystem::path& path)
{
    std::unique_ptr<std::FILE, CloseFile> file(std::fopen(path.c_str(), "wb"));
    if (!file)
        throw std::runtime_error("cannot write " + path.string());
    return file;
}

} // namespace

struct TestCa::State {
    std::filesystem::path folder;
    std::string name;
    Key key;
    Certificate certificate;
    long serial = 1;
};

TestCa::TestCa(std::filesystem::path folder, std::string name) : state_(std::make_unique<State>())
{
    State& s = *state_;
    s.folder = std::move(folder);
    s.name = std::move(name);
    s.key.reset(EVP_EC_gen("P-256"));
    s.certificate = make("gantry test " + s.name, s.serial, s.key.get());
    X509* const own = s.certificate.get();
    X509_set_issuer_name(own, X509_get_subject_name(own));
    extend(own, own, NID_basic_constraints, "critical,CA:TRUE");
    extend(own, own, NID_key_usage, "critical,keyCertSign,cRLSign");
    X509_sign(own, s.key.get(), EVP_sha256());
    PEM_write_X509(open(certificate()).get(), own);
}

TestCa::~TestCa() = default;

std::filesystem::path TestCa::certificate() const
{
    return state_->folder / (state_->name + ".pem");
}

web::TlsFiles TestCa::issue(const std::string& host)
{
    State& s = *state_;
    const std::string stem = s.name + "-" + std::to_string(++s.serial);
    const Key key(EVP_EC_gen("P-256"));
    const Certificate leaf = make(host, s.serial, key.get());
    X509_set_issuer_name(leaf.get(), X509_get_subject_name(s.certificate.get()));
    const bool address = host.find_first_not_of("0123456789.") == std::string::npos;
    extend(
        leaf.get(), s.certificate.get(), NID_subject_alt_name, (address ? "IP:" : "DNS:") + host
    );
    X509_sign(leaf.get(), s.key.get(), EVP_sha256());
    web::TlsFiles files;
    files.certificate = s.folder / (stem + ".pem");
    files.private_key = s.folder / (stem + ".key");
    PEM_write_X509(open(files.certificate).get(), leaf.get());
    const auto file = open(files.private_key);
    PEM_write_PrivateKey(file.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr);
    return files;
}

} // namespace gantry::tests
