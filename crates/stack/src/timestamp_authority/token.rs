//! The token: a `TSTInfo` signed as CMS `SignedData` (RFC 3161 §2.4.2, RFC 5652, RFC 5816).

use cms::cert::{CertificateChoices, IssuerAndSerialNumber};
use cms::content_info::{CmsVersion, ContentInfo};
use cms::signed_data::{
    EncapsulatedContentInfo, SignedAttributes, SignedData, SignerIdentifier, SignerInfo,
};
use const_oid::ObjectIdentifier;
use const_oid::db::rfc5911::{ID_CONTENT_TYPE, ID_MESSAGE_DIGEST, ID_SIGNED_DATA, ID_SIGNING_TIME};
use const_oid::db::rfc5912::ID_SHA_256;
use der::asn1::{Any, GeneralizedTime, Int, OctetString, SetOfVec, UtcTime};
use der::{Encode, Sequence, Tagged};
use std::time::Duration;
use x509_cert::attr::Attribute;
use x509_cert::ext::pkix::name::{GeneralName, GeneralNames};
use x509_cert::serial_number::SerialNumber;
use x509_cert::spki::AlgorithmIdentifierOwned;

use super::TimestampAuthority;
use super::request::{MessageImprint, POLICY, TimestampRequest};
use crate::certificate::{IssueError, ecdsa_sha256, serial_number};
use crate::signing_key::sha256;

impl TimestampAuthority {
    /// The DER `TimeStampResp` that grants `request` at `second`.
    pub(super) fn grant(
        &self,
        request: &TimestampRequest,
        second: i64,
    ) -> Result<Vec<u8>, IssueError> {
        let since_epoch = Duration::from_secs(second.unsigned_abs());
        let own = &self.authority.certificate.tbs_certificate;
        let info = TimestampInfo {
            version: 1,
            policy: POLICY,
            imprint: request.imprint.clone(),
            serial_number: serial_number()?,
            generated: GeneralizedTime::from_unix_duration(since_epoch)?,
            accuracy: Accuracy { seconds: 1 },
            nonce: request.nonce.clone(),
            authority: GeneralName::DirectoryName(own.subject.clone()),
        }
        .to_der()?;
        let attributes = self.signed_attributes(&info, since_epoch)?;
        // The signature is over the attributes as a SET, whatever tag they bear inside the token
        // (RFC 5652 §5.4).
        let signature = self.authority.key.sign(&attributes.to_der()?)?;
        let signer = SignerInfo {
            version: CmsVersion::V1,
            sid: SignerIdentifier::IssuerAndSerialNumber(IssuerAndSerialNumber {
                issuer: own.issuer.clone(),
                serial_number: own.serial_number.clone(),
            }),
            digest_alg: sha256_identifier(),
            signed_attrs: Some(attributes),
            signature_algorithm: ecdsa_sha256(),
            signature: OctetString::new(signature)?,
            unsigned_attrs: None,
        };
        let certificate = CertificateChoices::Certificate(self.authority.certificate.clone());
        let certificates = request
            .certificate_wanted
            .then(|| vec![certificate].try_into())
            .transpose()?;
        let signed = SignedData {
            version: CmsVersion::V3,
            digest_algorithms: vec![sha256_identifier()].try_into()?,
            encap_content_info: EncapsulatedContentInfo {
                econtent_type: ID_CT_TST_INFO,
                econtent: Some(any(&OctetString::new(info)?)?),
            },
            certificates,
            crls: None,
            signer_infos: vec![signer].try_into()?,
        };
        let response = Response {
            status: Status { status: GRANTED },
            token: ContentInfo {
                content_type: ID_SIGNED_DATA,
                content: any(&signed)?,
            },
        };
        Ok(response.to_der()?)
    }

    fn signed_attributes(
        &self,
        info: &[u8],
        since_epoch: Duration,
    ) -> Result<SignedAttributes, IssueError> {
        let own = &self.authority.certificate.tbs_certificate;
        // Binds the token to this one certificate: another with the same key and name would
        // otherwise do as well (RFC 5816).
        let certificate_id = SigningCertificateV2 {
            certificates: vec![EssCertificateIdV2 {
                hash: OctetString::new(sha256(&self.authority.chain[0]))?,
                issuer_serial: IssuerSerial {
                    issuer: vec![GeneralName::DirectoryName(own.issuer.clone())],
                    serial_number: own.serial_number.clone(),
                },
            }],
        };
        let attributes = vec![
            attribute(ID_CONTENT_TYPE, any(&ID_CT_TST_INFO)?)?,
            attribute(
                ID_SIGNING_TIME,
                any(&UtcTime::from_unix_duration(since_epoch)?)?,
            )?,
            attribute(ID_MESSAGE_DIGEST, any(&OctetString::new(sha256(info))?)?)?,
            attribute(ID_SIGNING_CERTIFICATE_V2, any(&certificate_id)?)?,
        ];
        Ok(attributes.try_into()?)
    }
}

fn attribute(oid: ObjectIdentifier, value: Any) -> Result<Attribute, IssueError> {
    let mut values = SetOfVec::new();
    values.insert(value)?;
    Ok(Attribute { oid, values })
}

fn any(value: &(impl Encode + Tagged)) -> Result<Any, IssueError> {
    use der::Decode as _;
    Ok(Any::from_der(&value.to_der()?)?)
}

fn sha256_identifier() -> AlgorithmIdentifierOwned {
    AlgorithmIdentifierOwned {
        oid: ID_SHA_256,
        parameters: None,
    }
}

/// `TSTInfo`; ordering is false, which is its default and so absent.
#[derive(Sequence)]
struct TimestampInfo {
    version: u8,
    policy: ObjectIdentifier,
    imprint: MessageImprint,
    serial_number: SerialNumber,
    generated: GeneralizedTime,
    accuracy: Accuracy,
    #[asn1(optional = "true")]
    nonce: Option<Int>,
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT")]
    authority: GeneralName,
}

#[derive(Sequence)]
struct Accuracy {
    seconds: u8,
}

/// `TimeStampResp`.
#[derive(Sequence)]
struct Response {
    status: Status,
    token: ContentInfo,
}

/// `PKIStatusInfo`.
#[derive(Sequence)]
struct Status {
    status: u8,
}

/// `SigningCertificateV2`, policies absent.
#[derive(Sequence)]
struct SigningCertificateV2 {
    certificates: Vec<EssCertificateIdV2>,
}

/// `ESSCertIDv2`; the hash algorithm is SHA-256, which is its default and so absent.
#[derive(Sequence)]
struct EssCertificateIdV2 {
    hash: OctetString,
    issuer_serial: IssuerSerial,
}

#[derive(Sequence)]
struct IssuerSerial {
    issuer: GeneralNames,
    serial_number: SerialNumber,
}

const GRANTED: u8 = 0;
/// `id-ct-TSTInfo`.
const ID_CT_TST_INFO: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.16.1.4");
/// `id-aa-signingCertificateV2`.
const ID_SIGNING_CERTIFICATE_V2: ObjectIdentifier =
    ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.16.2.47");
