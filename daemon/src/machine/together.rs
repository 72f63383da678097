//! One answer for all who ask the same at the same moment.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::future::{FutureExt, Shared};
use tokio::sync::oneshot;

/// So few are answered sooner one by one.
const FEW: usize = 4;

type Answer<T> = Shared<Pin<Box<dyn Future<Output = Option<Arc<T>>> + Send>>>;

/// What is about to be asked.
struct Next<T> {
    /// How many wait for it.
    callers: usize,
    answer: Answer<T>,
}

/// A question about all that many ask about one each.
///
/// Nobody is given an answer to a question that was put before he came: it says how things are after
/// that.
pub(super) struct Together<T> {
    next: Arc<Mutex<Option<Next<T>>>>,
}

impl<T> Default for Together<T> {
    fn default() -> Self {
        Self {
            next: Arc::default(),
        }
    }
}

impl<T> std::fmt::Debug for Together<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Together").finish_non_exhaustive()
    }
}

impl<T: Send + Sync + 'static> Together<T> {
    /// The answer, put once for all who come until it is; `None` where there are few of them, or it
    /// failed: each asks for himself then.
    pub(super) async fn ask<F, E>(&self, question: F) -> Option<Arc<T>>
    where
        F: Future<Output = Result<T, E>> + Send + 'static,
    {
        let answer = {
            let mut next = lock(&self.next);
            let next = next.get_or_insert_with(|| Next {
                callers: 0,
                answer: once(self.next.clone(), question),
            });
            next.callers += 1;
            next.answer.clone()
        };
        answer.await
    }
}

fn once<T, F, E>(next: Arc<Mutex<Option<Next<T>>>>, question: F) -> Answer<T>
where
    T: Send + Sync + 'static,
    F: Future<Output = Result<T, E>> + Send + 'static,
{
    let (say, said) = oneshot::channel();
    // A task of its own: whoever is about to come comes before it has its turn.
    tokio::spawn(async move {
        let callers = lock(&next).take().map_or(0, |next| next.callers);
        let answer = if callers < FEW {
            None
        } else {
            question.await.ok().map(Arc::new)
        };
        let _ = say.send(answer);
    });
    let answer: Pin<Box<dyn Future<Output = Option<Arc<T>>> + Send>> =
        Box::pin(async move { said.await.ok().flatten() });
    answer.shared()
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::{FEW, Together};
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use tokio::sync::oneshot;

    async fn ask_at_once(many: usize, fails: bool) -> (Vec<Option<usize>>, usize) {
        let together = Arc::new(Together::<usize>::default());
        let asked = Arc::new(AtomicUsize::new(0));
        let tasks: Vec<_> = (0..many)
            .map(|_| {
                let (together, asked) = (together.clone(), asked.clone());
                tokio::spawn(async move {
                    let question = async move {
                        let number = asked.fetch_add(1, Ordering::Relaxed);
                        tokio::task::yield_now().await;
                        if fails { Err(()) } else { Ok(number) }
                    };
                    together.ask(question).await.map(|answer| *answer)
                })
            })
            .collect();
        let mut answers = Vec::new();
        for task in tasks {
            answers.push(task.await.expect("it does not panic"));
        }
        (answers, asked.load(Ordering::Relaxed))
    }

    #[tokio::test]
    async fn many_are_answered_by_one_question_and_few_by_none() {
        let (answers, asked) = ask_at_once(100, false).await;
        assert_eq!((answers, asked), (vec![Some(0); 100], 1));
        let (answers, asked) = ask_at_once(FEW - 1, false).await;
        assert_eq!((answers, asked), (vec![None; FEW - 1], 0));
        let (answers, asked) = ask_at_once(FEW, true).await;
        assert_eq!((answers, asked), (vec![None; FEW], 1));
    }

    #[tokio::test]
    async fn who_comes_after_the_question_is_not_answered_by_it() {
        let together = Arc::new(Together::<usize>::default());
        let (begin, is_put) = oneshot::channel();
        let (end, ended) = oneshot::channel::<()>();
        let mut first: Vec<_> = Vec::new();
        let mut once = Some((begin, ended));
        for _ in 0..FEW {
            let (together, own) = (together.clone(), once.take());
            first.push(tokio::spawn(async move {
                let question = async move {
                    if let Some((begin, ended)) = own {
                        let _ = begin.send(());
                        let _ = ended.await;
                    }
                    Ok::<_, ()>(1)
                };
                together.ask(question).await
            }));
        }
        is_put.await.expect("the question is put");
        let later: Vec<_> = (0..FEW)
            .map(|_| {
                let together = together.clone();
                tokio::spawn(async move { together.ask(async { Ok::<_, ()>(2) }).await })
            })
            .collect();
        for task in later {
            assert_eq!(task.await.expect("no panic").as_deref(), Some(&2));
        }
        end.send(()).expect("it still waits");
        for task in first {
            assert_eq!(task.await.expect("no panic").as_deref(), Some(&1));
        }
    }
}
