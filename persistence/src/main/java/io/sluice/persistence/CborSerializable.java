// SPDX-License-Identifier: Apache-2.0
package io.sluice.persistence;

/**
 * Marks events, snapshots and remote messages: they are written as CBOR by Jackson. A class that
 * bears this mark is an agreement with journals that exist: add fields, never rename or retype.
 */
public interface CborSerializable {}
