// SPDX-License-Identifier: Apache-2.0
package io.sluice.actors.host;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * What the agent has changed about the host, and how it was before: one text file that is written,
 * and on disk, before the change is made. Thread-safe.
 *
 * <p>A file of its own, not the journal: {@code sluice uninstall} must read it without an agent and
 * without a database that the agent may hold locked, and a person must be able to.
 *
 * <p>Each line is a record: {@code sysctl KEY BEFORE OURS} or {@code address INTERFACE
 * ADDRESS/PREFIX}, fields separated by tabs; with a leading {@code -} and the fields that name the
 * record it is taken back. The last line about a thing counts. A last line without line feed was
 * never acknowledged and is ignored. Opening compacts the file.
 */
public final class HostLedger implements AutoCloseable {
  /** The file's name in the data folder. */
  public static final String FILE_NAME = "host-ledger";

  private static final String SYSCTL = "sysctl";
  private static final String ADDRESS = "address";
  private static final String TAB = "\t";

  /** A setting: its value before the agent came, and what the agent set it to. */
  public record SavedSysctl(String key, String before, String ours) {}

  /** An address that the agent has added. */
  public record AddedAddress(String nic, String address) {}

  private final Path file;
  private final Map<String, SavedSysctl> sysctls = new LinkedHashMap<>();
  private final Map<String, AddedAddress> addresses = new LinkedHashMap<>();
  private FileChannel channel;

  private HostLedger(Path file) {
    this.file = file;
  }

  /**
   * Opens the ledger of a data folder, or begins one.
   *
   * @throws UncheckedIOException if the folder cannot be written
   */
  public static HostLedger open(Path dataDir) {
    HostLedger ledger = new HostLedger(dataDir.resolve(FILE_NAME));
    try {
      Files.createDirectories(dataDir);
      ledger.load();
      ledger.compact();
    } catch (IOException e) {
      throw new UncheckedIOException("host ledger " + ledger.file + ": " + e.getMessage(), e);
    }
    return ledger;
  }

  private void load() throws IOException {
    if (!Files.exists(file)) {
      return;
    }
    String text = Files.readString(file);
    for (String line : text.substring(0, text.lastIndexOf('\n') + 1).lines().toList()) {
      String[] fields = line.split(TAB, -1);
      switch (fields[0]) {
        case SYSCTL -> remember(new SavedSysctl(fields[1], fields[2], fields[3]));
        case ADDRESS -> remember(new AddedAddress(fields[1], fields[2]));
        case "-" + SYSCTL -> sysctls.remove(fields[1]);
        case "-" + ADDRESS -> addresses.remove(fields[1] + TAB + fields[2]);
        default -> throw new IOException("line is no record: " + line);
      }
    }
  }

  private void remember(SavedSysctl sysctl) {
    sysctls.put(sysctl.key(), sysctl);
  }

  private void remember(AddedAddress address) {
    addresses.put(address.nic() + TAB + address.address(), address);
  }

  private static String line(SavedSysctl sysctl) {
    return String.join(TAB, SYSCTL, sysctl.key(), sysctl.before(), sysctl.ours()) + "\n";
  }

  private static String line(AddedAddress address) {
    return String.join(TAB, ADDRESS, address.nic(), address.address()) + "\n";
  }

  private void compact() throws IOException {
    StringBuilder text = new StringBuilder();
    sysctls.values().forEach(sysctl -> text.append(line(sysctl)));
    addresses.values().forEach(address -> text.append(line(address)));
    Path fresh = file.resolveSibling(FILE_NAME + ".new");
    FileChannel out =
        FileChannel.open(
            fresh,
            StandardOpenOption.CREATE,
            StandardOpenOption.WRITE,
            StandardOpenOption.TRUNCATE_EXISTING);
    channel = out;
    append(text.toString());
    Files.move(fresh, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    try (FileChannel folder = FileChannel.open(file.toAbsolutePath().getParent())) {
      folder.force(true);
    }
  }

  private void append(String lines) throws IOException {
    ByteBuffer bytes = ByteBuffer.wrap(lines.getBytes(StandardCharsets.UTF_8));
    while (bytes.hasRemaining()) {
      channel.write(bytes);
    }
    channel.force(false);
  }

  private void write(String lines) {
    if (lines.isEmpty()) {
      return;
    }
    try {
      append(lines);
    } catch (IOException e) {
      throw new UncheckedIOException("host ledger " + file + ": " + e.getMessage(), e);
    }
  }

  /** Records what is about to be set; on disk when this returns. */
  public synchronized void save(Collection<SavedSysctl> saved) {
    StringBuilder lines = new StringBuilder();
    saved.forEach(sysctl -> lines.append(line(sysctl)));
    write(lines.toString());
    saved.forEach(this::remember);
  }

  /** Records that an address is about to be added; on disk when this returns. */
  public synchronized void save(AddedAddress address) {
    write(line(address));
    remember(address);
  }

  /** Forgets settings that are restored, or whose interface is gone. */
  public synchronized void forgetSysctls(Collection<String> keys) {
    List<String> known = keys.stream().filter(sysctls::containsKey).toList();
    StringBuilder lines = new StringBuilder();
    known.forEach(key -> lines.append("-" + SYSCTL + TAB).append(key).append('\n'));
    write(lines.toString());
    known.forEach(sysctls::remove);
  }

  /** Forgets an address that is removed, or whose interface is gone. */
  public synchronized void forget(AddedAddress address) {
    if (addresses.remove(address.nic() + TAB + address.address()) != null) {
      write("-" + line(address));
    }
  }

  /** What is recorded of a setting. */
  public synchronized Optional<SavedSysctl> sysctl(String key) {
    return Optional.ofNullable(sysctls.get(key));
  }

  /** All settings that are to be restored, the last changed first. */
  public synchronized List<SavedSysctl> sysctls() {
    List<SavedSysctl> all = new ArrayList<>(sysctls.values());
    Collections.reverse(all);
    return all;
  }

  /** All addresses that are to be removed. */
  public synchronized List<AddedAddress> addresses() {
    return List.copyOf(addresses.values());
  }

  @Override
  public synchronized void close() {
    try {
      channel.close();
    } catch (IOException e) {
      throw new UncheckedIOException("host ledger " + file + ": " + e.getMessage(), e);
    }
  }
}
