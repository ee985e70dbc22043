#![no_main]

libfuzzer_sys::fuzz_target!(init: rt_audio_fuzz::quiet(), |data: &[u8]| rt_audio_fuzz::decode(data));
