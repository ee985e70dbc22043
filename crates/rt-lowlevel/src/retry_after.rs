//! How long a server asks to wait: `Retry-After` and `retry-after-ms`.

use std::time::{Duration, SystemTime};

use http::{HeaderMap, header};

/// The longest wait a server is granted.
pub(crate) const CAP: Duration = Duration::from_secs(60);

/// The wait the headers ask for, at most [`CAP`]. Milliseconds win over seconds; a date in the past is zero.
pub(crate) fn from_headers(headers: &HeaderMap, wall: SystemTime) -> Option<Duration> {
    let millis = headers
        .get("retry-after-ms")
        .and_then(|value| value.to_str().ok())
        .and_then(number);
    if let Some(millis) = millis {
        return Some(seconds(millis / 1000.0));
    }
    let text = headers.get(header::RETRY_AFTER)?.to_str().ok()?.trim();
    if let Some(value) = number(text) {
        return Some(seconds(value));
    }
    let date = httpdate::parse_http_date(text).ok()?;
    Some(date.duration_since(wall).unwrap_or_default().min(CAP))
}

fn number(text: &str) -> Option<f64> {
    text.trim()
        .parse::<f64>()
        .ok()
        .filter(|value| value.is_finite() && *value >= 0.0)
}

fn seconds(value: f64) -> Duration {
    Duration::from_secs_f64(value.min(CAP.as_secs_f64()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn f17_every_form_is_read_and_nonsense_is_not() {
        let wall = SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_777); // 1994-11-06T08:49:37Z
        let read = |pairs: &[(&'static str, &'static str)]| {
            let mut headers = HeaderMap::new();
            for (name, value) in pairs {
                headers.insert(*name, value.parse().unwrap());
            }
            from_headers(&headers, wall)
        };
        let ms = |ms| Some(Duration::from_millis(ms));
        assert_eq!(read(&[]), None);
        assert_eq!(read(&[("retry-after", "3")]), ms(3000));
        assert_eq!(read(&[("retry-after", " 0.25 ")]), ms(250));
        assert_eq!(read(&[("retry-after", "0")]), ms(0));
        assert_eq!(read(&[("retry-after", "86400")]), ms(60_000));
        assert_eq!(read(&[("retry-after-ms", "125"), ("retry-after", "3")]), ms(125));
        assert_eq!(read(&[("retry-after-ms", "x"), ("retry-after", "3")]), ms(3000));
        assert_eq!(
            read(&[("retry-after", "Sun, 06 Nov 1994 08:49:47 GMT")]),
            ms(10_000)
        );
        assert_eq!(read(&[("retry-after", "Sun, 06 Nov 1994 08:49:07 GMT")]), ms(0));
        assert_eq!(
            read(&[("retry-after", "Sat, 06 Nov 2094 08:49:07 GMT")]),
            ms(60_000)
        );
        for nonsense in ["-1", "NaN", "inf", "soon", ""] {
            assert_eq!(read(&[("retry-after", nonsense)]), None, "{nonsense}");
        }
    }
}
