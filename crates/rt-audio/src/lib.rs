//! Audio files to 24 kHz mono PCM16 and back.
