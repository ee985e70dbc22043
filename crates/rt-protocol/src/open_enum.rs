//! `open_enum!`: enums of wire strings that keep a value they do not know.

/// Defines an enum of strings with an `Other(String)` variant, its wire names in one place.
macro_rules! open_enum {
    (
        $(#[$meta:meta])*
        pub enum $Enum:ident { $( $(#[$vmeta:meta])* $Variant:ident = $name:literal, )* }
    ) => {
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[non_exhaustive]
        pub enum $Enum {
            $( $(#[$vmeta])* #[doc = concat!("\n\nOn the wire: `", $name, "`.")] $Variant, )*
            /// A value this version does not know, as it was received.
            Other(String),
        }

        impl $Enum {
            /// The value as it is on the wire.
            #[must_use]
            pub fn as_str(&self) -> &str {
                match self {
                    $( Self::$Variant => $name, )*
                    Self::Other(name) => name,
                }
            }
        }

        impl From<&str> for $Enum {
            fn from(name: &str) -> Self {
                match name {
                    $( $name => Self::$Variant, )*
                    _ => Self::Other(name.to_owned()),
                }
            }
        }

        impl std::fmt::Display for $Enum {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl serde::Serialize for $Enum {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        impl<'de> serde::Deserialize<'de> for $Enum {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct Name;
                impl serde::de::Visitor<'_> for Name {
                    type Value = $Enum;
                    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        f.write_str("a string")
                    }
                    fn visit_str<E>(self, name: &str) -> Result<$Enum, E> {
                        Ok($Enum::from(name))
                    }
                }
                deserializer.deserialize_str(Name)
            }
        }
    };
}
pub(crate) use open_enum;
