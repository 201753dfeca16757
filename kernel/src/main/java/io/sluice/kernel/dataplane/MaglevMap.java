// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.dataplane;

import io.sluice.kernel.bpf.ArrayContent;
import io.sluice.kernel.bpf.ArrayOfMaps;
import io.sluice.kernel.bpf.Fd;
import io.sluice.kernel.bpf.MapSpec;
import io.sluice.kernel.bpf.MapType;
import io.sluice.kernel.bpf.TypedMap;
import io.sluice.kernel.layout.MaglevHead;
import io.sluice.kernel.layout.MaglevLayout;
import io.sluice.kernel.layout.MaglevUnmoved;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Collection;
import java.util.Map;
import java.util.Optional;
import java.util.function.BiConsumer;

/**
 * The map {@code maglev}: tables by service ID. A table is written whole into a new array, which is
 * then put into its place (MAG-4); the array before goes with its last reader.
 *
 * <p>What is in a place but is no table that this build can read comes as {@link #UNREADABLE}: it
 * is not nothing, and it equals no table, so that whoever owns the map replaces or removes it.
 */
final class MaglevMap implements TypedMap<Integer, MaglevTable>, AutoCloseable {
  /** Stands for what cannot be read. */
  static final MaglevTable UNREADABLE = new MaglevTable(-1, 0, 0, new char[0]);

  private static final int WORDS_PER_ELEMENT = 2;
  private static final int ELEMENT = WORDS_PER_ELEMENT * Integer.BYTES;

  private final ArrayOfMaps tables;

  MaglevMap(ArrayOfMaps tables) {
    this.tables = tables;
  }

  @Override
  public String name() {
    return tables.name();
  }

  @Override
  public int maxEntries() {
    return tables.size();
  }

  @Override
  public Optional<MaglevTable> get(Integer service) {
    try (Fd table = tables.get(service).orElse(null)) {
      return Optional.ofNullable(table).map(fd -> decode(ArrayContent.read(name(service), fd)));
    }
  }

  private String name(int service) {
    return tables.name() + "[" + service + "]";
  }

  @Override
  public void put(Integer service, MaglevTable table) {
    ByteBuffer content = encode(table);
    MapSpec spec =
        new MapSpec(
            MapType.ARRAY,
            "maglev_" + service,
            Integer.BYTES,
            ELEMENT,
            content.capacity() / ELEMENT,
            MapSpec.INNER_MAP);
    try (Fd array = spec.create()) {
      ArrayContent.write(name(service), array, content);
      tables.set(service, array);
    }
  }

  @Override
  public void putAll(Map<Integer, MaglevTable> entries) {
    entries.forEach(this::put);
  }

  @Override
  public void removeAll(Collection<Integer> services) {
    services.forEach(tables::clear);
  }

  @Override
  public void forEach(BiConsumer<? super Integer, ? super MaglevTable> visitor) {
    for (int service : tables.ids().keySet()) {
      get(service).ifPresent(table -> visitor.accept(service, table));
    }
  }

  private static ByteBuffer encode(MaglevTable table) {
    int previous = table.hasFormer() ? MaglevHead.MAGLEV_SLOTS + table.size() : 0;
    int words = MaglevHead.MAGLEV_SLOTS + (table.hasFormer() ? 2 : 1) * table.size();
    ByteBuffer content =
        ByteBuffer.allocate((words + 1) / WORDS_PER_ELEMENT * ELEMENT)
            .order(ByteOrder.nativeOrder());
    set(content, MaglevHead.MAGLEV_LAYOUT, MaglevLayout.MAGLEV_LAYOUT_1);
    set(content, MaglevHead.MAGLEV_SIZE, table.size());
    set(content, MaglevHead.MAGLEV_BASE, table.base());
    set(content, MaglevHead.MAGLEV_COUNT, table.count());
    set(content, MaglevHead.MAGLEV_GEN_LOW, (int) table.generation());
    set(content, MaglevHead.MAGLEV_GEN_HIGH, (int) (table.generation() >>> 32));
    set(content, MaglevHead.MAGLEV_PREVIOUS, previous);
    for (int slot = 0; slot < table.size(); slot++) {
      set(content, MaglevHead.MAGLEV_SLOTS + slot, table.base() + table.position(slot));
      if (table.hasFormer()) {
        char former = table.former(slot);
        boolean unmoved = former == MaglevTable.UNMOVED;
        set(
            content,
            previous + slot,
            unmoved ? MaglevUnmoved.MAGLEV_UNMOVED : table.base() + former);
      }
    }
    return content;
  }

  private static void set(ByteBuffer content, int word, int value) {
    content.putInt(word * Integer.BYTES, value);
  }

  private static int word(ByteBuffer content, int word) {
    return content.getInt(word * Integer.BYTES);
  }

  private static MaglevTable decode(ByteBuffer content) {
    int words = content.capacity() / Integer.BYTES;
    if (words < MaglevHead.MAGLEV_SLOTS
        || word(content, MaglevHead.MAGLEV_LAYOUT) != MaglevLayout.MAGLEV_LAYOUT_1) {
      return UNREADABLE;
    }
    int size = word(content, MaglevHead.MAGLEV_SIZE);
    int base = word(content, MaglevHead.MAGLEV_BASE);
    int count = word(content, MaglevHead.MAGLEV_COUNT);
    if (size < 0 || size > words - MaglevHead.MAGLEV_SLOTS || count < 0 || count > 0xfffe) {
      return UNREADABLE;
    }
    int previous = word(content, MaglevHead.MAGLEV_PREVIOUS);
    if (previous < 0 || (previous != 0 && previous > words - size)) {
      return UNREADABLE;
    }
    char[] slots = new char[size];
    for (int slot = 0; slot < size; slot++) {
      int position = word(content, MaglevHead.MAGLEV_SLOTS + slot) - base;
      if (position < 0 || position >= count) {
        return UNREADABLE;
      }
      slots[slot] = (char) position;
    }
    char[] former = new char[previous == 0 ? 0 : size];
    for (int slot = 0; slot < former.length; slot++) {
      int word = word(content, previous + slot);
      int position = word - base;
      if (word != MaglevUnmoved.MAGLEV_UNMOVED && (position < 0 || position >= count)) {
        return UNREADABLE;
      }
      former[slot] = word == MaglevUnmoved.MAGLEV_UNMOVED ? MaglevTable.UNMOVED : (char) position;
    }
    long generation =
        Integer.toUnsignedLong(word(content, MaglevHead.MAGLEV_GEN_LOW))
            | (long) word(content, MaglevHead.MAGLEV_GEN_HIGH) << 32;
    return new MaglevTable(generation, base, count, slots, former);
  }

  @Override
  public void close() {
    tables.close();
  }
}
