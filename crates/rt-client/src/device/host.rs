//! cpal: devices by name, and streams of any sample format as streams of floats.

use std::time::Duration;

use cpal::traits::{DeviceTrait, HostTrait, StreamTrait};
use cpal::{
    Device, FromSample, OutputCallbackInfo, Sample, SampleFormat, SizedSample, Stream, SupportedStreamConfig,
};

use crate::error::{Error, ErrorKind};

/// The names of the microphones there are now.
///
/// # Errors
/// `Device` if the sound system cannot be asked.
pub fn microphones() -> Result<Vec<String>, Error> {
    let devices = cpal::default_host().input_devices();
    Ok(devices
        .map_err(|error| asking(&error))?
        .map(|it| name(&it))
        .collect())
}

/// The names of the speakers there are now.
///
/// # Errors
/// `Device` if the sound system cannot be asked.
pub fn speakers() -> Result<Vec<String>, Error> {
    let devices = cpal::default_host().output_devices();
    Ok(devices
        .map_err(|error| asking(&error))?
        .map(|it| name(&it))
        .collect())
}

pub(super) fn device_error(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::Device, message)
}

fn asking(error: &cpal::Error) -> Error {
    device_error(format!(
        "the sound system cannot be asked for its devices: {error}"
    ))
}

fn name(device: &Device) -> String {
    device
        .description()
        .map_or_else(|_| device.to_string(), |it| it.name().to_owned())
}

/// A device, and how it likes to be used. Without a name it is the default one.
#[derive(Clone)]
pub(super) struct Chosen {
    device: Device,
    config: SupportedStreamConfig,
}

impl Chosen {
    pub(super) fn microphone(wanted: Option<&str>) -> Result<Self, Error> {
        let host = cpal::default_host();
        let device = match wanted {
            None => host.default_input_device(),
            Some(_) => host
                .input_devices()
                .map_err(|error| asking(&error))?
                .find(|device| Some(&*name(device)) == wanted),
        };
        let device = device.ok_or_else(|| missing("microphone"))?;
        let config = device.default_input_config().map_err(|error| unusable(&error))?;
        Ok(Self { device, config })
    }

    pub(super) fn speaker(wanted: Option<&str>) -> Result<Self, Error> {
        let host = cpal::default_host();
        let device = match wanted {
            None => host.default_output_device(),
            Some(_) => host
                .output_devices()
                .map_err(|error| asking(&error))?
                .find(|device| Some(&*name(device)) == wanted),
        };
        let device = device.ok_or_else(|| missing("speaker"))?;
        let config = device.default_output_config().map_err(|error| unusable(&error))?;
        Ok(Self { device, config })
    }

    pub(super) fn rate(&self) -> u32 {
        self.config.sample_rate()
    }

    pub(super) fn channels(&self) -> usize {
        usize::from(self.config.channels()).max(1)
    }

    /// Starts to record. `take` gets interleaved samples, `lost` is called if no more come.
    pub(super) fn record(
        &self,
        take: impl FnMut(&mut dyn Iterator<Item = f32>) + Send + 'static,
        lost: impl FnMut() + Send + 'static,
    ) -> Result<Stream, Error> {
        match self.config.sample_format() {
            SampleFormat::F32 => self.input::<f32>(take, lost),
            SampleFormat::F64 => self.input::<f64>(take, lost),
            SampleFormat::I32 => self.input::<i32>(take, lost),
            SampleFormat::I16 => self.input::<i16>(take, lost),
            SampleFormat::U16 => self.input::<u16>(take, lost),
            SampleFormat::U8 => self.input::<u8>(take, lost),
            other => Err(device_error(format!(
                "the microphone's samples ({other}) cannot be read"
            ))),
        }
    }

    /// Starts to play. `fill` gets interleaved samples to fill in and how long it is until the first is heard, `lost` is
    /// called if no more are needed.
    pub(super) fn play(
        &self,
        fill: impl FnMut(&mut [f32], Duration) + Send + 'static,
        lost: impl FnMut() + Send + 'static,
    ) -> Result<Stream, Error> {
        match self.config.sample_format() {
            SampleFormat::F32 => self.output::<f32>(fill, lost),
            SampleFormat::F64 => self.output::<f64>(fill, lost),
            SampleFormat::I32 => self.output::<i32>(fill, lost),
            SampleFormat::I16 => self.output::<i16>(fill, lost),
            SampleFormat::U16 => self.output::<u16>(fill, lost),
            SampleFormat::U8 => self.output::<u8>(fill, lost),
            other => Err(device_error(format!(
                "the speaker's samples ({other}) cannot be written"
            ))),
        }
    }

    fn input<T: SizedSample>(
        &self,
        mut take: impl FnMut(&mut dyn Iterator<Item = f32>) + Send + 'static,
        lost: impl FnMut() + Send + 'static,
    ) -> Result<Stream, Error>
    where
        f32: FromSample<T>,
    {
        let data = move |data: &[T], _: &cpal::InputCallbackInfo| {
            take(&mut data.iter().map(|sample| f32::from_sample(*sample)));
        };
        let stream = self
            .device
            .build_input_stream(self.config.config(), data, told(lost), None);
        started(stream)
    }

    fn output<T: SizedSample + FromSample<f32>>(
        &self,
        mut fill: impl FnMut(&mut [f32], Duration) + Send + 'static,
        lost: impl FnMut() + Send + 'static,
    ) -> Result<Stream, Error> {
        // Room for a second, so that the callback does not allocate.
        let mut floats = Vec::with_capacity(self.rate() as usize * self.channels());
        let data = move |data: &mut [T], info: &OutputCallbackInfo| {
            floats.resize(data.len(), 0.0);
            let times = info.timestamp();
            fill(
                &mut floats,
                times.playback.saturating_duration_since(times.callback),
            );
            for (sample, float) in data.iter_mut().zip(&floats) {
                *sample = T::from_sample(float.clamp(-1.0, 1.0));
            }
        };
        let stream = self
            .device
            .build_output_stream(self.config.config(), data, told(lost), None);
        started(stream)
    }
}

fn started(stream: Result<Stream, cpal::Error>) -> Result<Stream, Error> {
    let stream = stream.map_err(|error| unusable(&error))?;
    stream.play().map_err(|error| unusable(&error))?;
    Ok(stream)
}

fn missing(what: &str) -> Error {
    device_error(format!(
        "there is no such {what}: plug one in, or choose another by its name"
    ))
}

fn unusable(error: &cpal::Error) -> Error {
    device_error(format!("the device cannot be used: {error}"))
}

/// What cpal tells beside the samples: a click is worth a line in the log, the rest is the end of the stream.
fn told(mut lost: impl FnMut() + Send + 'static) -> impl FnMut(cpal::Error) + Send + 'static {
    move |error| {
        use cpal::ErrorKind as Kind;
        if matches!(
            error.kind(),
            Kind::Xrun | Kind::DeviceChanged | Kind::RealtimeDenied
        ) {
            tracing::debug!(%error, "audio device");
        } else {
            tracing::warn!(%error, "audio device lost");
            lost();
        }
    }
}
