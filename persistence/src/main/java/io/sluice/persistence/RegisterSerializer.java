// SPDX-License-Identifier: Apache-2.0
package io.sluice.persistence;

import akka.serialization.SerializerWithStringManifest;
import java.io.IOException;
import java.io.NotSerializableException;

/** Registers as bytes between nodes; the same bytes are on disk. */
final class RegisterSerializer extends SerializerWithStringManifest {
  /** Never changes: it is in messages of every version. */
  static final int ID = 731_001;

  @Override
  public int identifier() {
    return ID;
  }

  @Override
  public String manifest(Object register) {
    return "R" + Register.FORMAT;
  }

  @Override
  public byte[] toBinary(Object register) {
    return ((Register) register).toBytes();
  }

  @Override
  public Object fromBinary(byte[] bytes, String manifest) throws NotSerializableException {
    try {
      return Register.fromBytes(bytes);
    } catch (IOException e) {
      throw new NotSerializableException(manifest + ": " + e.getMessage());
    }
  }
}
