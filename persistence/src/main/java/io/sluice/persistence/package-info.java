// SPDX-License-Identifier: Apache-2.0
/**
 * What must not be forgotten: the journal of a node ({@link io.sluice.persistence.LocalJournal}),
 * the state that all nodes share ({@link io.sluice.persistence.SharedState}), and the mark of what
 * goes into both. See docs/design/persistence.md.
 */
package io.sluice.persistence;
