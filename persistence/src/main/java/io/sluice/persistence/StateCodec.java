// SPDX-License-Identifier: Apache-2.0
package io.sluice.persistence;

import akka.serialization.Serialization;
import akka.serialization.Serializer;
import akka.serialization.Serializers;
import io.sluice.persistence.Register.Payload;
import scala.util.Try;

/** Values as bytes and back, by the serializers of the actor system, within the limit of a size. */
record StateCodec(Serialization serialization) {
  /** Several objects go into one frame of the network. Bytes. */
  static final int MOST_BYTES = 48 * 1024;

  /**
   * @throws IllegalArgumentException if the value is too large, or has no serializer
   */
  Payload encode(String persistenceId, Object value) {
    Try<byte[]> serialized = serialization.serialize(value);
    if (serialized.isFailure()) {
      throw new IllegalArgumentException(
          persistenceId + ": " + value.getClass().getName() + " cannot be serialized",
          serialized.failed().get());
    }
    byte[] bytes = serialized.get();
    if (bytes.length > MOST_BYTES) {
      throw new IllegalArgumentException(
          "%s: %d bytes are more than the %d that one stored object may have: store it in parts"
              .formatted(persistenceId, bytes.length, MOST_BYTES));
    }
    Serializer serializer = serialization.findSerializerFor(value);
    return new Payload(serializer.identifier(), Serializers.manifestFor(serializer, value), bytes);
  }

  /**
   * @throws IllegalStateException if this version cannot read the bytes
   */
  Object decode(String persistenceId, Payload payload) {
    Try<Object> value =
        serialization.deserialize(payload.bytes(), payload.serializer(), payload.manifest());
    if (value.isFailure()) {
      Throwable e = value.failed().get();
      throw new IllegalStateException(
          "%s: stored %s of serializer %d cannot be read by this version: %s"
              .formatted(
                  persistenceId, payload.manifest(), payload.serializer(), H2File.oneLine(e)),
          e);
    }
    return value.get();
  }
}
