// SPDX-License-Identifier: Apache-2.0
package io.sluice.cluster.resources;

import io.sluice.cluster.resources.Commit.Change;
import io.sluice.cluster.resources.Commit.Outcome;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.zip.Deflater;
import java.util.zip.DeflaterOutputStream;
import java.util.zip.InflaterInputStream;

/**
 * Commits, snapshots and requests as bytes: a version of the format, then the fields in order,
 * compressed. Manifests are alike, so that they shrink to a tenth; both the store's objects and
 * what goes over the network are made here.
 */
final class Codec {
  /** Of what is written. A reader knows this one and all before it. */
  static final int FORMAT = 1;

  /** More than any request or store may have: what claims more is damaged. */
  private static final int MOST = 1 << 26;

  private Codec() {}

  /** All resources, as of a version. */
  record Snapshot(
      String store, long version, long created, List<Outcome> outcomes, Map<Ref, Stored> all) {}

  private interface Writing {
    void to(DataOutputStream out) throws IOException;
  }

  private interface Reading<T> {
    T from(DataInputStream in) throws IOException;
  }

  static byte[] commits(List<Commit> commits) {
    return pack(
        out -> {
          out.writeInt(commits.size());
          for (Commit commit : commits) {
            out.writeLong(commit.version());
            outcome(out, commit.outcome());
            out.writeInt(commit.changes().size());
            for (Change change : commit.changes()) {
              ref(out, change.ref());
              out.writeBoolean(change.now().isPresent());
              if (change.now().isPresent()) {
                stored(out, change.now().get());
              }
            }
          }
        });
  }

  static List<Commit> commits(byte[] bytes) {
    return unpack(
        bytes,
        in ->
            list(
                in,
                () -> {
                  long version = in.readLong();
                  Outcome outcome = outcome(in);
                  return new Commit(
                      version,
                      outcome,
                      list(
                          in,
                          () -> {
                            Ref ref = ref(in);
                            return new Change(
                                ref, in.readBoolean() ? Optional.of(stored(in)) : Optional.empty());
                          }));
                }));
  }

  static byte[] snapshot(Snapshot snapshot) {
    return pack(
        out -> {
          text(out, snapshot.store());
          out.writeLong(snapshot.version());
          out.writeLong(snapshot.created());
          out.writeInt(snapshot.outcomes().size());
          for (Outcome outcome : snapshot.outcomes()) {
            outcome(out, outcome);
          }
          out.writeInt(snapshot.all().size());
          for (Map.Entry<Ref, Stored> entry : snapshot.all().entrySet()) {
            ref(out, entry.getKey());
            stored(out, entry.getValue());
          }
        });
  }

  static Snapshot snapshot(byte[] bytes) {
    return unpack(
        bytes,
        in -> {
          String store = text(in);
          long version = in.readLong();
          long created = in.readLong();
          List<Outcome> outcomes = list(in, () -> outcome(in));
          Map<Ref, Stored> all = new HashMap<>();
          for (int left = count(in); left > 0; left--) {
            Ref ref = ref(in);
            all.put(ref, stored(in));
          }
          return new Snapshot(store, version, created, outcomes, all);
        });
  }

  static byte[] submission(Submission submission) {
    return pack(
        out -> {
          text(out, submission.id());
          out.writeBoolean(submission.dryRun());
          out.writeInt(submission.items().size());
          for (Submission.Item item : submission.items()) {
            ref(out, item.ref());
            out.writeLong(item.expected());
            text(out, item.body());
            texts(out, item.claims());
          }
        });
  }

  static Submission submission(byte[] bytes) {
    return unpack(
        bytes,
        in ->
            new Submission(
                text(in),
                in.readBoolean(),
                list(in, () -> new Submission.Item(ref(in), in.readLong(), text(in), texts(in)))));
  }

  static byte[] kept(ViewFile.Kept kept) {
    return pack(
        out -> {
          text(out, kept.store());
          out.writeLong(kept.version());
          out.writeInt(kept.resources().size());
          for (Map.Entry<Ref, ViewFile.Resource> entry : kept.resources().entrySet()) {
            ref(out, entry.getKey());
            out.writeLong(entry.getValue().version());
            text(out, entry.getValue().json());
          }
        });
  }

  static ViewFile.Kept kept(byte[] bytes) {
    return unpack(
        bytes,
        in -> {
          String store = text(in);
          long version = in.readLong();
          Map<Ref, ViewFile.Resource> all = new HashMap<>();
          for (int left = count(in); left > 0; left--) {
            Ref ref = ref(in);
            all.put(ref, new ViewFile.Resource(in.readLong(), text(in)));
          }
          return new ViewFile.Kept(store, version, all);
        });
  }

  // The parts

  private static void ref(DataOutputStream out, Ref ref) throws IOException {
    text(out, ref.kind());
    text(out, ref.namespace());
    text(out, ref.name());
  }

  private static Ref ref(DataInputStream in) throws IOException {
    return new Ref(text(in).intern(), text(in).intern(), text(in));
  }

  private static void stored(DataOutputStream out, Stored stored) throws IOException {
    out.writeLong(stored.version());
    text(out, stored.uid());
    out.writeLong(stored.created());
    text(out, stored.body());
    texts(out, stored.claims());
  }

  private static Stored stored(DataInputStream in) throws IOException {
    return new Stored(in.readLong(), text(in), in.readLong(), text(in), texts(in));
  }

  private static void outcome(DataOutputStream out, Outcome outcome) throws IOException {
    text(out, outcome.request());
    out.writeLong(outcome.version());
    text(out, outcome.verbs());
  }

  private static Outcome outcome(DataInputStream in) throws IOException {
    return new Outcome(text(in), in.readLong(), text(in));
  }

  private static void text(DataOutputStream out, String text) throws IOException {
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    out.writeInt(bytes.length);
    out.write(bytes);
  }

  private static String text(DataInputStream in) throws IOException {
    int length = count(in);
    byte[] bytes = in.readNBytes(length);
    if (bytes.length < length) {
      throw new IOException("ends in the middle of a text");
    }
    return new String(bytes, StandardCharsets.UTF_8);
  }

  private static void texts(DataOutputStream out, List<String> texts) throws IOException {
    out.writeInt(texts.size());
    for (String text : texts) {
      text(out, text);
    }
  }

  private static List<String> texts(DataInputStream in) throws IOException {
    return list(in, () -> text(in));
  }

  private interface Element<T> {
    T read() throws IOException;
  }

  private static <T> List<T> list(DataInputStream in, Element<T> element) throws IOException {
    int count = count(in);
    List<T> list = new ArrayList<>(Math.min(count, 1000));
    for (int i = 0; i < count; i++) {
      list.add(element.read());
    }
    return list;
  }

  private static int count(DataInputStream in) throws IOException {
    int count = in.readInt();
    if (count < 0 || count > MOST) {
      throw new IOException("a length of " + count);
    }
    return count;
  }

  // Around them

  private static byte[] pack(Writing writing) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream(512);
    Deflater deflater = new Deflater(3);
    bytes.write(FORMAT);
    try (DataOutputStream out =
        new DataOutputStream(
            new java.io.BufferedOutputStream(new DeflaterOutputStream(bytes, deflater), 8192))) {
      writing.to(out);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } finally {
      deflater.end();
    }
    return bytes.toByteArray();
  }

  /**
   * @throws IllegalArgumentException if the bytes are of a newer format, or damaged
   */
  private static <T> T unpack(byte[] bytes, Reading<T> reading) {
    if (bytes.length == 0 || bytes[0] < 1 || bytes[0] > FORMAT) {
      throw new IllegalArgumentException(
          "resources in format %s, this version reads up to %d: upgrade this node"
              .formatted(bytes.length == 0 ? "-" : bytes[0], FORMAT));
    }
    try (DataInputStream in =
        new DataInputStream(
            new java.io.BufferedInputStream(
                new InflaterInputStream(new ByteArrayInputStream(bytes, 1, bytes.length - 1)),
                8192))) {
      return reading.from(in);
    } catch (IOException e) {
      throw new IllegalArgumentException("resources that are damaged: " + e.getMessage(), e);
    }
  }
}
