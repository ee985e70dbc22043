//! Multipart form data (RFC 7578).

use rt_protocol::http::Part;

/// The form, and its content type.
pub(super) fn encode(parts: &[Part]) -> (Vec<u8>, String) {
    let boundary = loop {
        let boundary = format!("rt-{:032x}", rand::random::<u128>());
        // As good as certain; but then the form would be another.
        if !parts.iter().any(|part| part.body.contains(&boundary)) {
            break boundary;
        }
    };
    let mut form = Vec::new();
    for part in parts {
        let head = format!(
            "--{boundary}\r\nContent-Disposition: form-data; name=\"{}\"\r\nContent-Type: {}\r\n\r\n",
            part.name, part.content_type
        );
        form.extend_from_slice(head.as_bytes());
        form.extend_from_slice(part.body.as_bytes());
        form.extend_from_slice(b"\r\n");
    }
    form.extend_from_slice(format!("--{boundary}--\r\n").as_bytes());
    (form, format!("multipart/form-data; boundary={boundary}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_stand_between_boundaries() {
        let part = |name, body: &str| Part {
            name,
            content_type: "text/plain",
            body: body.into(),
        };
        let (form, content_type) = encode(&[part("a", "1\r\n--x"), part("b", "")]);
        let (_, boundary) = content_type.split_once("boundary=").unwrap();
        let form = String::from_utf8(form).unwrap();
        let delimiter = format!("--{boundary}");
        let mut pieces = form.split(&delimiter);
        assert_eq!(pieces.next(), Some(""));
        assert_eq!(
            pieces.next(),
            Some(
                "\r\nContent-Disposition: form-data; name=\"a\"\r\nContent-Type: text/plain\r\n\r\n1\r\n--x\r\n"
            )
        );
        assert!(pieces.next().unwrap().ends_with("\r\n\r\n\r\n"));
        assert_eq!(pieces.next(), Some("--\r\n"));
    }
}
