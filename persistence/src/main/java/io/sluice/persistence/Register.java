// SPDX-License-Identifier: Apache-2.0
package io.sluice.persistence;

import akka.cluster.ddata.AbstractReplicatedData;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.Objects;
import java.util.Optional;

/**
 * One stored object, as each replica has it: the greatest ballot that was promised to a home (the
 * fence), and the value with the greatest (ballot, revision). Two merge by taking the greater of
 * both, each for itself.
 *
 * <p>A merge also tells whether what came in was written under a ballot that is past: {@link
 * #refused} is a note for the replica that merges, is not part of the value, and is not sent. It
 * makes of a replica what a vote needs: who has promised a ballot says no to older ones.
 */
final class Register extends AbstractReplicatedData<Register> {
  /** Of the byte format. A version that reads it must be everywhere before one writes the next. */
  static final int FORMAT = 1;

  static final Register EMPTY = new Register(Ballot.NONE, Ballot.NONE, 0, null, false);

  private final Ballot fence;
  private final Ballot ballot;
  private final long revision;
  private final Payload payload;
  private final boolean refused;

  private Register(Ballot fence, Ballot ballot, long revision, Payload payload, boolean refused) {
    this.fence = fence;
    this.ballot = ballot;
    this.revision = revision;
    this.payload = payload;
    this.refused = refused;
  }

  /** An object as its serializer wrote it. */
  record Payload(int serializer, String manifest, byte[] bytes) {}

  /** The same value, promised to a new home. */
  Register promisedTo(Ballot claim) {
    return new Register(claim, ballot, revision, payload, false);
  }

  /** The same value, written by the home that has the promise. */
  Register confirmed() {
    return new Register(fence, fence, revision, payload, false);
  }

  /**
   * The next value.
   *
   * @param next nothing: deleted
   */
  Register next(Optional<Payload> next) {
    return new Register(fence, fence, revision + 1, next.orElse(null), false);
  }

  @Override
  public Register mergeData(Register other) {
    boolean late = other.fence.isBefore(fence);
    Register newer = isBefore(other) ? other : this;
    Ballot greater = late ? fence : other.fence;
    return new Register(greater, newer.ballot, newer.revision, newer.payload, late);
  }

  private boolean isBefore(Register other) {
    int order = ballot.compareTo(other.ballot);
    return order < 0 || (order == 0 && revision < other.revision);
  }

  Ballot fence() {
    return fence;
  }

  Ballot ballot() {
    return ballot;
  }

  long revision() {
    return revision;
  }

  /** Nothing: never written, or deleted. */
  Optional<Payload> payload() {
    return Optional.ofNullable(payload);
  }

  boolean refused() {
    return refused;
  }

  byte[] toBytes() {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (DataOutputStream out = new DataOutputStream(bytes)) {
      out.writeByte(FORMAT);
      write(out, fence);
      write(out, ballot);
      out.writeLong(revision);
      out.writeBoolean(payload != null);
      if (payload != null) {
        out.writeInt(payload.serializer());
        write(out, payload.manifest().getBytes(StandardCharsets.UTF_8));
        write(out, payload.bytes());
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return bytes.toByteArray();
  }

  private static void write(DataOutputStream out, Ballot ballot) throws IOException {
    out.writeLong(ballot.term());
    out.writeLong(ballot.writer());
  }

  private static void write(DataOutputStream out, byte[] bytes) throws IOException {
    out.writeInt(bytes.length);
    out.write(bytes);
  }

  /**
   * @throws IOException if these are not the bytes of a register in a format that is known
   */
  static Register fromBytes(byte[] bytes) throws IOException {
    DataInputStream in = new DataInputStream(new ByteArrayInputStream(bytes));
    int format = in.readUnsignedByte();
    if (format != FORMAT) {
      throw new IOException("format " + format + " of shared state is not known to this version");
    }
    Ballot fence = new Ballot(in.readLong(), in.readLong());
    Ballot ballot = new Ballot(in.readLong(), in.readLong());
    long revision = in.readLong();
    Payload payload = null;
    if (in.readBoolean()) {
      int serializer = in.readInt();
      String manifest = new String(readBytes(in), StandardCharsets.UTF_8);
      payload = new Payload(serializer, manifest, readBytes(in));
    }
    if (in.available() != 0) {
      throw new IOException(in.available() + " bytes after the end of a register");
    }
    return new Register(fence, ballot, revision, payload, false);
  }

  private static byte[] readBytes(DataInputStream in) throws IOException {
    int length = in.readInt();
    if (length < 0 || length > in.available()) {
      throw new IOException("a register of " + length + " bytes more than there are");
    }
    return in.readNBytes(length);
  }

  /** What a ballot wrote under a revision is one thing. */
  @Override
  public boolean equals(Object other) {
    return other instanceof Register that
        && fence.equals(that.fence)
        && ballot.equals(that.ballot)
        && revision == that.revision;
  }

  @Override
  public int hashCode() {
    return Objects.hash(fence, ballot, revision);
  }

  @Override
  public String toString() {
    return "Register[fence=%s, ballot=%s, revision=%d%s]"
        .formatted(fence, ballot, revision, payload == null ? ", nothing" : "");
  }
}
