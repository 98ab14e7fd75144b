// An intrusive list: a node unlinks itself when it is destroyed, so whatever waits in a list may be
// destroyed at any moment without the list's owner being told.
#pragma once

#include "ipc/runtime/check.h"

namespace openmmp {

class ListNode {
 public:
  ListNode() = default;
  ListNode(const ListNode&) = delete;
  ListNode& operator=(const ListNode&) = delete;
  ~ListNode() { unlink(); }

  bool linked() const { return next_ != this; }
  void unlink() {
    previous_->next_ = next_;
    next_->previous_ = previous_;
    previous_ = next_ = this;
  }
  // Puts this node before `position`; before a list's head means at its end.
  void insert_before(ListNode& position) {
    unlink();
    previous_ = position.previous_;
    next_ = &position;
    previous_->next_ = this;
    position.previous_ = this;
  }
  ListNode* next() const { return next_; }

 private:
  ListNode* previous_ = this;
  ListNode* next_ = this;
};

// T derives from ListNode.
template <class T>
class LinkedList {
 public:
  LinkedList() = default;
  ~LinkedList() {
    while (!empty()) head_.next()->unlink();
  }
  bool empty() const { return !head_.linked(); }
  T& front() { return static_cast<T&>(*head_.next()); }
  void push_back(T& node) { static_cast<ListNode&>(node).insert_before(head_); }
  // Calls visit(T&) for each; the visit may unlink or destroy the node that it is given.
  template <class Visit>
  void for_each(Visit visit) {
    for (ListNode* node = head_.next(); node != &head_;) {
      ListNode* next = node->next();
      visit(static_cast<T&>(*node));
      node = next;
    }
  }

 private:
  ListNode head_;
};

}  // namespace openmmp
